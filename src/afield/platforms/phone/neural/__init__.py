"""The neural part of a model for runtimes that know networks only: cut out, converted, run there, and judged."""
