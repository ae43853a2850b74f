"""An API-key gateway around any WSGI application: one Redis round trip decides about a request.

It needs the standard library and redis-py, and knows of the application behind it only a `Source`:
where keys are looked up when Redis can't be believed.
"""
