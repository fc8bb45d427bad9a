"""A result for hospital systems: one list of values, written as FHIR R4 and as HL7 v2.5.1."""
