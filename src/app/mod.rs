//! One function per verb of the product: the only door to an installation. Doors parse, call these, and render what comes back.

mod background;
mod backup_keys;
mod backups;
mod changelogs;
mod changes;
mod check;
pub mod codes;
mod components;
mod config_changes;
mod consent;
mod error;
mod facts;
mod finalize;
mod index;
mod init;
mod installation;
mod maintenance;
mod offer;
mod plan_file;
mod product;
mod publishing;
mod repository;
mod rotation;
mod schema;
mod server;
mod signing;
mod speed;
mod status;
mod terms;
mod tuf;
mod updating;
mod verify;
mod views;
mod watch;

pub use crate::engine::ConfigChange;
pub use crate::migrate::schema::WayBack;
pub use crate::publish::{ImportWanted, Imported};
pub use crate::tuf::{LifetimeChanges, Note as TufNote, Role as TufRole};
pub use background::{BackgroundProgress, BackgroundReport, migrate_in_background};
pub use backup_keys::{
    Exported, KeysView, NewKey, NewKeySource, add_backup_key, export_recovery, kind_of as kind_of_backup_key,
    list_backup_keys, new_backup_recipient, read_secret_file, remove_backup_key, rotate_backup_key,
};
pub use backups::{
    Made, create_backup, drill_backup, list_backups, prune_backups, repair_backups, restore_backup, show_backup,
    verify_backup, verify_backups,
};
pub use changelogs::{check_changelog, draft_changelog, read_changelog};
pub use changes::{ChangesOf, changes};
pub use check::{CheckView, check};
pub use components::{ComponentOffer, OffersView, component_import, component_offers};
pub use config_changes::config_changes;
pub use consent::Consent;
pub use error::{AppError, Result};
pub use finalize::{Finalized, finalize};
pub use index::{IndexOptions, code_of as code_of_no_travel, graph_of_index, plan_over_index, read_index};
pub use init::{InitOptions, InitReport, init};
pub use installation::Installation;
pub use maintenance::{MaintenanceView, maintenance, set_maintenance};
pub use plan_file::{read_plan, write_plan};
pub use product::{start_product, stop_product, supervise};
pub use publishing::{
    Advice, AdviceOptions, Advised, BundleWanted, Bundled, Destination, Listed, ListedRelease, PackOptions, Packing,
    PublishOptions, pack, patch, publish, release_advise, release_bundle, release_list, release_new, release_send,
    release_verify,
};
pub use rotation::{Forgotten, Rotated, forget_older_keys, rotate_master_key};
pub use schema::{FileView, SchemaDiff, SchemaTrial, schema_diff, schema_goal, try_schema};
pub use server::{left_unfinished, server_token};
pub use signing::{
    change_keys, keys_need_passphrase, new_key, release_discard, release_init, release_renew, release_sign,
    release_timestamp, show_keys,
};
pub use status::{Running, StatusView, UpdateView, VersionView, history, status, update, version, why};
pub use tuf::{TargetsWanted, tuf_download, tuf_init, tuf_refresh};
pub use updating::{
    Accepted, Fetch, Goal, Order, PlanView, Prepared, Ready, Report, ReportStatus, RollbackTarget, Settled, Wish,
    begin_turning_back, prepare, prepare_at_once, prepare_exactly, prepare_waiting, preview, resume, rollback_target,
    turn_back,
};
pub use verify::{VerifyView, verify};
pub use views::{EventView, ProgressView};
pub use watch::Watcher;
