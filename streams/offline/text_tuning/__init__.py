"""A text encoder is tuned on a stream, and judged on what came after."""
