//! Puts effects in order: drives the steps of a plan and journals each.
