"""What users did with the slates that they were shown: kept slates, the join, lessons, and who learns."""
