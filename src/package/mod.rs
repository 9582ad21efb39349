//! Release packages: pack, unpack, verify a tree against its manifest.
