"""The fields of each entity, as `app.bitrix.fields` reads them.

Sources: https://apidocs.bitrix24.com/api-reference/crm/universal/object-fields.html,
https://apidocs.bitrix24.com/api-reference/tasks/fields.html with the filters and orders of `tasks.task.list`,
and https://apidocs.bitrix24.com/api-reference/user/user-fields.html.
"""

from __future__ import annotations

from app.bitrix.fields import table

_COMMON = """
    id                          integer     read
    assignedById                integer
    comments                    string
    createdBy                   integer     read
    createdTime                 datetime    read
    lastActivityBy              integer
    lastActivityTime            datetime
    lastCommunicationCallTime   datetime    read
    lastCommunicationEmailTime  datetime    read
    lastCommunicationImolTime   datetime    read
    lastCommunicationTime       datetime    read
    lastCommunicationWebformTime datetime   read
    observers                   integer[]
    opened                      flag
    originId                    string
    originatorId                string
    searchContent               string      read
    updatedBy                   integer     read
    updatedTime                 datetime    read
    utmCampaign                 string
    utmContent                  string
    utmMedium                   string
    utmSource                   string
    utmTerm                     string
"""
_PIPELINE = """
    companyId                   integer
    contactId                   integer
    contactIds                  integer[]
    currencyId                  string
    dateCreateShort             datetime    read
    dateModifyShort             datetime    read
    isManualOpportunity         flag
    isReturnCustomer            flag        read
    movedBy                     integer     read
    movedTime                   datetime    read
    opportunity                 number
    productId                   string      read
    sourceDescription           string
    sourceId                    string
    stageId                     string
    stageSemanticId             string      read
    title                       string
"""
_REACHABLE = """
    address                     string      read
    email                       string      read
    emailHome                   string      read
    emailMailing                string      read
    emailWork                   string      read
    fm                          ways[]      filter=- order=- select=*
    hasEmail                    flag        read
    hasImol                     flag        read
    hasPhone                    flag        read
    imol                        string      read
    phone                       string      read
    phoneMailing                string      read
    phoneMobile                 string      read
    phoneWork                   string      read
"""
_NAMED = """
    birthdate                   date
    honorific                   string
    lastName                    string
    login                       string      read
    name                        string
    post                        string
    secondName                  string
    shortName                   string      read
"""

DEALS = table(
    _COMMON,
    _PIPELINE,
    """
    additionalInfo              string
    begindate                   date
    begindateShort              datetime    read
    categoryId                  integer
    closed                      flag        read
    closedate                   date
    closedateShort              datetime    read
    eventDate                   datetime    read
    eventDateShort              datetime    read
    eventDescription            string      read
    eventId                     string      read
    hasProducts                 flag        read
    isLose                      flag        read
    isNew                       flag        read
    isRecurring                 flag
    isRepeatedApproach          flag        read
    isWon                       flag        read
    isWork                      flag        read
    leadId                      integer
    locationId                  string
    lostAmount                  number      read
    mycompanyId                 integer
    orderStage                  string      read
    previousStageId             string      read
    probability                 integer
    quoteId                     integer
    receivedAmount              number      read
    taxValue                    number
    typeId                      string
    webformId                   integer     once
    """,
)
CONTACTS = table(
    _COMMON,
    _REACHABLE,
    _NAMED,
    """
    categoryId                  integer
    companyId                   integer
    companyIds                  integer[]
    export                      flag
    leadId                      integer
    originVersion               string
    photo                       integer
    sourceDescription           string
    sourceId                    string
    typeId                      string
    webformId                   integer     once
    """,
)
COMPANIES = table(
    _COMMON,
    _REACHABLE,
    """
    addressLegal                string      read
    bankingDetails              string
    categoryId                  integer
    contactIds                  integer[]
    currencyId                  string
    employees                   string
    industry                    string
    isMyCompany                 flag        once
    leadId                      integer
    logo                        integer
    originVersion               string
    revenue                     number
    title                       string
    typeId                      string
    ufAccountantSign            any         read
    ufDirectorSign              any         read
    ufLogo                      any         read
    ufStamp                     any         read
    webformId                   integer     once
    """,
)
LEADS = table(
    _COMMON,
    _PIPELINE,
    _REACHABLE,
    _NAMED,
    """
    companyTitle                string
    dateClosed                  datetime    read
    icq                         string      read
    isConvert                   flag        read
    skype                       string      read
    statusDescription           string
    webformId                   integer
    """,
)

# A filter or an order that `tasks.task.list` does not know it leaves out without a word, so only those that
# are documented can be used.
TASKS = table(
    """
    id                          integer     read filter order
    parentId                    integer     filter
    title                       string      required filter order
    description                 string
    mark                        string      filter order
    priority                    integer     filter order
    status                      integer     filter=REAL_STATUS order=REAL_STATUS
    subStatus                   integer     read filter=STATUS select=STATUS
    multitask                   flag        read
    notViewed                   flag        read
    replicate                   flag
    groupId                     integer     filter order
    stageId                     integer     filter
    sprintId                    integer     filter
    backlogId                   integer     filter
    createdBy                   integer     filter
    createdDate                 datetime    read filter order
    responsibleId               integer     required filter
    accomplices                 integer[]   filter=ACCOMPLICE
    auditors                    integer[]   filter=AUDITOR
    changedBy                   integer     read
    changedDate                 datetime    read filter order
    statusChangedBy             integer     read filter
    statusChangedDate           datetime    read
    closedBy                    integer     read
    closedDate                  datetime    read filter order
    activityDate                datetime    read
    dateStart                   datetime    filter order
    deadline                    datetime    filter order
    startDatePlan               datetime    order
    endDatePlan                 datetime    order
    guid                        string      read
    xmlId                       string
    chatId                      integer     read
    commentsCount               integer     read
    serviceCommentsCount        integer     read
    newCommentsCount            integer     read
    allowChangeDeadline         flag        order
    allowTimeTracking           flag        order
    taskControl                 flag
    addInReport                 flag        filter
    forkedByTemplateId          integer     read
    timeEstimate                integer     order
    timeSpentInLogs             integer     read order
    matchWorkTime               flag        order
    forumTopicId                integer     read filter
    forumId                     integer     read
    siteId                      string      filter
    subordinate                 flag        read
    favorite                    flag        read order
    exchangeModified            datetime    read
    exchangeId                  integer     read
    outlookVersion              integer     read
    viewedDate                  datetime    read
    sorting                     number      read order
    durationPlan                integer
    durationFact                integer     read
    durationType                string
    isMuted                     flag        read
    isPinned                    flag        read
    isPinnedInGroup             flag        read
    flowId                      integer
    descriptionInBbcode         flag        read
    checklist                   object      read
    group                       object      read select=GROUP_ID
    creator                     object      read select=CREATED_BY
    responsible                 object      read select=RESPONSIBLE_ID
    accomplicesData             object      read select=ACCOMPLICES
    auditorsData                object      read select=AUDITORS
    action                      object      read select=-
    ufCrmTask                   string[]    filter
    ufTaskWebdavFiles           any
    ufMailMessage               any         read
    """,
    upper=True,
    usable=False,
)
USERS = table(
    """
    id                          integer     read
    xmlId                       string      read
    active                      boolean     read
    name                        string      read
    lastName                    string      read
    secondName                  string      read
    title                       string      read
    email                       string      read
    lastLogin                   datetime    read
    dateRegister                datetime    read
    timeZone                    string      read
    isOnline                    flag        read
    timestampX                  string      read
    lastActivityDate            string      read
    personalGender              string      read
    personalProfession          string      read
    personalWww                 string      read
    personalBirthday            date        read
    personalPhoto               string      read
    personalIcq                 string      read
    personalPhone               string      read
    personalFax                 string      read
    personalMobile              string      read
    personalPager               string      read
    personalStreet              string      read
    personalCity                string      read
    personalState               string      read
    personalZip                 string      read
    personalCountry             string      read
    personalMailbox             string      read
    personalNotes               string      read
    workPhone                   string      read
    workCompany                 string      read
    workPosition                string      read
    workDepartment              string      read
    workWww                     string      read
    workFax                     string      read
    workPager                   string      read
    workStreet                  string      read
    workMailbox                 string      read
    workCity                    string      read
    workState                   string      read
    workZip                     string      read
    workCountry                 string      read
    workProfile                 string      read
    workLogo                    string      read
    workNotes                   string      read
    ufSkypeLink                 string      read
    ufZoom                      string      read
    ufEmploymentDate            date        read
    ufTimeman                   any         read
    ufDepartment                integer[]   read
    ufInterests                 string      read
    ufSkills                    string      read
    ufWebSites                  string      read
    ufXing                      string      read
    ufLinkedin                  string      read
    ufTwitter                   string      read
    ufSkype                     string      read
    ufDistrict                  string      read
    ufPhoneInner                string      read
    userType                    string      read
    """,
    upper=True,
)
