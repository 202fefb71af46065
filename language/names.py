"""Names that configurations use, apart from what they stand for, so that reading one loads nothing."""

DEFAULT_BACKBONE = "all-MiniLM-L6-v2"
