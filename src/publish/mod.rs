//! The publisher's side: keys, pack, sign, publish.
