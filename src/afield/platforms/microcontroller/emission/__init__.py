"""From a planned graph to C text: kernels, tables, and the network function. Bundles are made elsewhere from these."""
