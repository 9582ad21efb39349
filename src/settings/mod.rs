//! config/update.yml and the environment become Settings.
