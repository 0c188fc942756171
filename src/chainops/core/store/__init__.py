"""The embedded database: one file, short transactions, numbered migrations."""
