"""What goes in and out of the service, field by field: marshmallow schemas, shared by the REST API and the
command line.
"""
