"""Pictures and tables: ``chart`` (text, nothing needed), ``curves`` (matplotlib), ``progress`` (rich)."""
