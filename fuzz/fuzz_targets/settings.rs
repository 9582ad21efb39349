//! Settings files; leading lines `NETLINK_…=value` are variables of the environment.
#![no_main]

use std::path::Path;

use netlink::settings::{Environment, Settings};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut environment = Environment::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| name.starts_with("NETLINK_")) else {
            break;
        };
        environment.insert(name.to_owned(), value.to_owned());
        rest = after;
    }
    let path = Path::new("update.yml");
    match Settings::parse(path, rest, &environment) {
        Ok(settings) => {
            assert!(
                settings.backup.encryption && settings.safety.rollback_on_failure,
                "a promise is broken"
            );
            let sections = serde_json::json!({
                "update_system": {
                    "backup": settings.backup, "behavior": settings.behavior, "safety": settings.safety,
                    "clustering": settings.clustering,
                },
                "audit": settings.audit, "config": settings.config, "confinement": settings.confinement,
                "dependencies": settings.dependencies, "download": settings.download, "health": settings.health,
                "hooks": settings.hooks, "log": settings.log, "notifications": settings.notifications,
                "policy": settings.policy, "repository": settings.repository, "server": settings.server,
            });
            let again = Settings::parse(path, &sections.to_string(), &Environment::new());
            assert_eq!(again.unwrap_or_else(|e| panic!("{e}: {sections}")), settings);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
