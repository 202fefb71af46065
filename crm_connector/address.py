"""Where the store is when nobody says so, apart from the store, so that a command line loads without it."""

DEFAULT_URL = "sqlite:///crm.db"
