"""The only package that knows the database: tables, reader, writer, engines, migrations.

Values of ``core`` go in and come out; rows never leave it.
"""
