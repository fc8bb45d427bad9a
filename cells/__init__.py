"""The ground floor: the cell vocabulary and the small records that all other packages share."""
