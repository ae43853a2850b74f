"""The fields of leads, deals, contacts and companies, as `crm.item.*` names them.

Source: "CRM object fields" of Bitrix24's documentation. A line is a field: its name, its type (with `[]`
it holds several values), and who may set it, which is anybody unless it says

    read    nobody; what is written is dropped without a word
    once    whoever makes the item; later writes are dropped
    shown   nobody, and `crm.item.fields` does not list it
    listed  nobody, and only `crm.item.fields` knows it: to write it is an error
"""

from __future__ import annotations

from dataclasses import dataclass

from app.bitrix.sandbox.query import Kind

_KINDS: dict[str, Kind] = {
    "boolean": "flag",
    **dict.fromkeys(("date", "datetime"), "time"),
    **dict.fromkeys(
        ("integer", "double", "user", "file", "crm_company", "crm_contact", "crm_lead"), "number"
    ),
    **dict.fromkeys(("crm_quote", "crm_category", "crm_webform", "crm_entity"), "number"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an item."""

    name: str
    type: str
    multiple: bool
    access: str

    @property
    def kind(self) -> Kind:
        """How its values are compared."""
        return _KINDS.get(self.type, "text")


def _fields(*tables: str) -> dict[str, Field]:
    found = {}
    for line in "\n".join(tables).splitlines():
        if words := line.split():
            name, type_, access = (*words, "write")[:3]
            found[name] = Field(name, type_.removesuffix("[]"), type_.endswith("[]"), access)
    return found


_COMMON = """
    id                          integer         read
    assignedById                user
    createdBy                   user            read
    createdTime                 datetime        read
    lastActivityBy              user
    lastActivityTime            datetime
    lastCommunicationCallTime   datetime        read
    lastCommunicationEmailTime  datetime        read
    lastCommunicationImolTime   datetime        read
    lastCommunicationTime       string          read
    lastCommunicationWebformTime datetime       read
    opened                      boolean
    updatedBy                   user            read
    updatedTime                 datetime        read
    utmCampaign                 string
    utmContent                  string
    utmMedium                   string
    utmSource                   string
    utmTerm                     string
    observers                   user[]
    originId                    string
    originatorId                string
    comments                    text
    searchContent               text            shown
"""
_PIPELINE = """
    companyId                   crm_company
    contactId                   crm_contact
    contactIds                  crm_contact[]
    contacts                    crm_contact[]   listed
    currencyId                  crm_currency
    dateCreateShort             datetime        shown
    dateModifyShort             datetime        shown
    isManualOpportunity         boolean
    isReturnCustomer            boolean         read
    movedBy                     user            read
    movedTime                   datetime        read
    opportunity                 double
    productId                   string          shown
    sourceDescription           text
    sourceId                    crm_status
    stageId                     crm_status
    stageSemanticId             string          read
    title                       string
"""
_REACHABLE = """
    address                     text            shown
    email                       string          shown
    emailHome                   string          shown
    emailMailing                string          shown
    emailWork                   string          shown
    fm                          crm_multifield
    hasEmail                    boolean         read
    hasImol                     boolean         read
    hasPhone                    boolean         read
    imol                        string          shown
    phone                       string          shown
    phoneMailing                string          shown
    phoneMobile                 string          shown
    phoneWork                   string          shown
"""
_NAMED = """
    birthdate                   date
    honorific                   crm_status
    lastName                    string
    login                       string          shown
    name                        string
    post                        string
    secondName                  string
    shortName                   string          shown
"""

LEAD = _fields(
    _COMMON,
    _PIPELINE,
    _REACHABLE,
    _NAMED,
    """
    companyTitle                string
    dateClosed                  datetime        read
    icq                         string          shown
    isConvert                   boolean         shown
    skype                       string          shown
    statusDescription           text
    webformId                   crm_webform
    """,
)
DEAL = _fields(
    _COMMON,
    _PIPELINE,
    """
    additionalInfo              string
    begindate                   date
    begindateShort              datetime        shown
    categoryId                  crm_category
    closed                      boolean         read
    closedate                   date
    closedateShort              datetime        shown
    eventDate                   datetime        shown
    eventDateShort              datetime        shown
    eventDescription            text            shown
    eventId                     crm_status      shown
    hasProducts                 boolean         shown
    isLose                      boolean         shown
    isNew                       boolean         read
    isRecurring                 boolean
    isRepeatedApproach          boolean         read
    isWon                       boolean         shown
    isWork                      boolean         shown
    leadId                      crm_lead
    locationId                  location
    lostAmount                  integer         shown
    mycompanyId                 crm_company
    orderStage                  string          shown
    previousStageId             crm_status      read
    probability                 integer
    quoteId                     crm_quote
    receivedAmount              integer         shown
    taxValue                    double
    typeId                      crm_status
    webformId                   crm_webform     once
    parentId177                 crm_entity
    ufCrm_1700000000            string
    ufCrm_1700000001            boolean
    ufCrm_1700000002            enumeration[]
    """,
)
CONTACT = _fields(
    _COMMON,
    _REACHABLE,
    _NAMED,
    """
    categoryId                  crm_category
    companyId                   crm_company
    companies                   crm_company[]   listed
    companyIds                  crm_company[]
    export                      boolean
    leadId                      crm_lead
    originVersion               string
    photo                       file
    sourceDescription           text
    sourceId                    crm_status
    typeId                      crm_status
    webformId                   crm_webform     once
    """,
)
COMPANY = _fields(
    _COMMON,
    _REACHABLE,
    """
    addressLegal                text            shown
    bankingDetails              text
    categoryId                  crm_category
    contactIds                  crm_contact[]
    contacts                    crm_contact[]   listed
    currencyId                  crm_currency
    employees                   crm_status
    industry                    crm_status
    isMyCompany                 boolean         once
    leadId                      crm_lead
    logo                        file
    originVersion               string
    revenue                     double
    title                       string
    typeId                      crm_status
    ufAccountantSign            file            shown
    ufDirectorSign              file            shown
    ufLogo                      file            shown
    ufStamp                     file            shown
    webformId                   crm_webform     once
    """,
)
