//! One function per verb of the product: the only door to an installation. Doors parse, call these, and render what comes back.

mod answers;
mod audit;
mod background;
mod backup_keys;
mod backup_views;
mod backups;
mod by_itself;
mod calendar;
mod changelogs;
mod changes;
mod check;
pub mod codes;
mod components;
mod configuration;
mod consent;
mod dependencies;
mod doctor;
mod dry_run;
mod early;
mod error;
mod events;
mod facts;
mod finalize;
mod fitness;
mod gate;
mod index;
mod init;
mod installation;
mod lookout;
mod maintenance;
mod manual;
mod measures;
mod node;
mod notices;
mod offer;
mod orders;
mod outlook;
mod plan_file;
mod product;
mod publishing;
mod report;
mod repository;
mod rolling_back;
mod rotation;
mod scheduling;
mod schema;
mod server;
mod sessions;
mod signing;
mod socket;
mod soundness;
mod speed;
mod stack;
mod status;
mod taken;
mod terms;
mod tokens;
mod tuf;
mod updating;
mod uses;
mod validation;
mod verify;
mod views;
mod wanted;
mod watch;

pub use crate::engine::{ConfigChange, OpenConflict};
pub use crate::migrate::schema::WayBack;
pub use crate::publish::{ImportWanted, Imported};
pub use crate::tuf::{LifetimeChanges, Note as TufNote, Role as TufRole};
pub use audit::{
    Act, AuditVerified, Became, audit, audit_after, audit_before, audit_each, audit_end, audit_order, copy_checkpoint,
    verify_audit,
};
pub use background::{BackgroundProgress, BackgroundReport, migrate_in_background};
pub use backup_keys::{
    Exported, KeysView, NewKey, NewKeySource, add_backup_key, export_recovery, kind_of as kind_of_backup_key,
    list_backup_keys, new_backup_recipient, read_secret_file, remove_backup_key, rotate_backup_key,
};
pub use backup_views::{BackupFileView, BackupView, backup_contents, backup_views};
pub use backups::{
    Made, create_backup, drill_backup, list_backups, prune_backups, repair_backups, restore_backup, show_backup,
    verify_backup, verify_backups,
};
pub use by_itself::{BY_ITSELF, Look, look_for_newer};
pub use calendar::{PolicyView, policy};
pub use changelogs::{check_changelog, draft_changelog, read_changelog};
pub use changes::{ChangesOf, changes};
pub use check::{Available, CheckView, check};
pub use components::{ComponentOffer, OffersView, component_import, component_offers};
pub use configuration::{ConfigView, config_problems, show_config};
pub use consent::Consent;
pub use dependencies::{Reinstalled, reinstall_dependencies};
pub use doctor::{About, Diagnosis, Examined, Verdict, examine};
pub use dry_run::{DependencyChange, DryRun, FileView, SchemaDryRun, SchemaTrial, dry_run, outlook, try_schema};
pub use early::{refuse_backup_order, refuse_unknown_version};
pub use error::{AppError, Result};
pub use events::{Events, events_after};
pub use finalize::{Finalized, finalize};
pub use fitness::{Finding, Fitness, Looked};
pub use gate::{Admission, Gate};
pub use index::{IndexOptions, code_of as code_of_no_travel, graph_of_index, plan_over_index, read_index};
pub use init::{InitOptions, InitReport, init};
pub use installation::Installation;
pub use lookout::{Found, LeansOn, Lookout};
pub use maintenance::{Flag as MaintenanceFlag, MaintenanceView, maintenance, set_maintenance};
pub use manual::{ManualPage, write_manual};
pub use measures::{Measured, Standing, Unfinished, measured_after, standing};
pub use node::{NodeView, this_node};
pub use notices::{Courier, NoticesView, ReceiverView, Tried, notices, notices_left, retry_notices, test_notices};
pub use orders::{
    Begun, NewOrder, OrderView, Ticket, add_order, begin_order, cancel_order, fits_now, in_words, is_update,
    known_order, nothing_to_do, order, order_of, orders, queue, refuse_committed, replayed, settle_order,
    somebody_is_at_work, update_to_roll_back, waits_for_a_person, who_is_at_work,
};
pub use outlook::{Held, HeldBy};
pub use plan_file::{read_plan, write_plan};
pub use product::{start_product, stop_product, supervise};
pub use publishing::{
    Advice, AdviceOptions, Advised, BundleWanted, Bundled, Destination, Listed, ListedRelease, PackOptions, Packing,
    PublishOptions, pack, patch, publish, release_advise, release_bundle, release_list, release_new, release_send,
    release_verify,
};
pub use report::{Report, ReportStatus, report};
pub use rolling_back::{RollbackTarget, rollback_target, way_back};
pub use rotation::{Forgotten, Rotated, forget_older_keys, rotate_master_key};
pub use scheduling::{
    Begin, Due, Scheduled, beginning, cancel_waiting_update, come_due, local_time, miss, schedule, time_of,
};
pub use schema::{SchemaDiff, schema_diff, schema_goal};
pub use server::{installation_id, left_unfinished, take_serving};
pub use sessions::{NewSession, SessionText, begin_session, end_session};
pub use signing::{
    change_keys, keys_need_passphrase, new_key, release_difference, release_discard, release_init, release_renew,
    release_sign, release_timestamp, show_keys,
};
pub use socket::{SocketFile, listen_at_socket};
pub use stack::{NoStack, fit_stack};
pub use status::{Running, StatusView, UpdateView, VersionView, history, history_page, status, update, version, why};
pub use taken::settle_taken;
pub use tokens::{
    NewToken, TokenWanted, create_token, first_token, list_tokens, read_token_file, revoke_token, token_life,
};
pub use tuf::{TargetsWanted, tuf_download, tuf_init, tuf_refresh};
pub use updating::{
    Accepted, Beginning, Fetch, Goal, Order, Outset, PlanView, Prepared, Ready, Settled, Wish, begin_resuming,
    begin_turning_back, is_covered, prepare, prepare_at_once, prepare_exactly, prepare_waiting, preview, resume,
    turn_back,
};
pub use validation::{ToValidate, Validation, validate};
pub use verify::{VerifyView, verify};
pub use views::{EventView, ProgressView};
pub use wanted::Wanted;
pub use watch::Watcher;
