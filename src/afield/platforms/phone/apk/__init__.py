"""The page as an Android app: built, signed and checked without Android's development kit."""
