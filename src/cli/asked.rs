//! Who is asked: the installation on this machine, or a server. Either gives the same views.

use super::args::Global;
use super::open::open;
use super::output::Result;
use super::remote::{self, Wire};
use super::update::who;
use crate::app::{
    self, AuditVerified, CheckView, Installation, MaintenanceView, NewToken, StatusView, TokenWanted, UpdateView,
    VersionView,
};
use crate::store::{AuditRow, Role, TokenRecord, UpdateId};

pub enum Asked {
    Here(Box<Installation>),
    There(Wire),
}

pub fn asked(global: &Global) -> Result<Asked> {
    Ok(match remote::wire(global)? {
        Some(wire) => Asked::There(wire),
        None => Asked::Here(Box::new(open(global)?)),
    })
}

impl Asked {
    pub fn check(&self) -> Result<CheckView> {
        match self {
            Self::Here(installation) => Ok(app::check(installation)?),
            Self::There(wire) => wire.look_long("/updates/check", &[]),
        }
    }

    pub fn version(&self) -> Result<VersionView> {
        match self {
            Self::Here(installation) => Ok(app::version(installation)?),
            Self::There(wire) => wire.look("/version", &[]),
        }
    }

    pub fn status(&self, id: Option<&UpdateId>) -> Result<StatusView> {
        match self {
            Self::Here(installation) => Ok(app::status(installation, id)?),
            Self::There(wire) => wire.status(id),
        }
    }

    pub fn history(&self, limit: u32) -> Result<Vec<UpdateView>> {
        match self {
            Self::Here(installation) => Ok(app::history(installation, limit)?),
            Self::There(wire) => wire.history(limit),
        }
    }

    pub fn why(&self, id: Option<&UpdateId>) -> Result<UpdateView> {
        match self {
            Self::Here(installation) => Ok(app::why(installation, id)?),
            Self::There(wire) => wire.why(id),
        }
    }

    pub fn maintenance(&self) -> Result<MaintenanceView> {
        match self {
            Self::Here(installation) => Ok(app::maintenance(installation)?),
            Self::There(wire) => wire.maintenance(),
        }
    }

    pub fn set_maintenance(&self, on: bool) -> Result<MaintenanceView> {
        match self {
            Self::Here(installation) => Ok(app::set_maintenance(installation, on)?),
            Self::There(wire) => wire.set_maintenance(on),
        }
    }

    /// `life` as `90d`.
    pub fn create_token(&self, name: &str, role: Role, life: Option<&str>) -> Result<NewToken> {
        match self {
            Self::Here(installation) => {
                let wanted = TokenWanted {
                    role,
                    name: name.to_owned(),
                    life: life.map(app::token_life).transpose()?,
                };
                Ok(app::create_token(installation, &wanted, &who())?)
            }
            Self::There(wire) => wire.create_token(name, role, life),
        }
    }

    pub fn tokens(&self) -> Result<Vec<TokenRecord>> {
        match self {
            Self::Here(installation) => Ok(app::list_tokens(installation)?),
            Self::There(wire) => wire.tokens(),
        }
    }

    pub fn revoke_token(&self, prefix: &str) -> Result<TokenRecord> {
        match self {
            Self::Here(installation) => Ok(app::revoke_token(installation, prefix)?),
            Self::There(wire) => wire.revoke_token(prefix),
        }
    }

    /// Newest first.
    pub fn audit_rows(&self, limit: u32) -> Result<Vec<AuditRow>> {
        match self {
            Self::Here(installation) => Ok(app::audit_before(installation, i64::MAX, limit)?),
            Self::There(wire) => wire.audit_rows(limit),
        }
    }

    /// Every row, oldest first.
    pub fn audit_each(&self, mut each: impl FnMut(&AuditRow) -> app::Result<()>) -> Result<()> {
        match self {
            Self::Here(installation) => Ok(app::audit_each(installation, each)?),
            Self::There(wire) => wire.audit_each(&mut each),
        }
    }

    pub fn verify_audit(&self, copies: Option<&std::path::Path>, key: Option<&str>) -> Result<AuditVerified> {
        match self {
            Self::Here(installation) => Ok(app::verify_audit(installation, copies, key)?),
            Self::There(wire) => {
                remote::refuse(&[("--copies", copies.is_some()), ("--key", key.is_some())])?;
                wire.look_long("/audit/verify", &[])
            }
        }
    }
}
