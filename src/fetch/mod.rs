//! Bytes over file and http: resume, limits, verification.
