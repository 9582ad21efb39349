//! What may follow what in an update; state is what replaying gives.
