"""What is handed over: the report as PDF and HTML, the result as JSON, the cells as CSV, in two languages."""
