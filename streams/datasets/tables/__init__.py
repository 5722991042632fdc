"""Tables in any format: delimited text, JSON, Parquet, blocks of lines."""
