"""Bulk import of tables that people already have: CSV or XLSX, all or nothing."""
