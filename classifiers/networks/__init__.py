"""Networks of the literature, one module for each family. Needs the extra ``train``."""
