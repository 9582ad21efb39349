//! What becomes of extensions on a way: which releases run with them, which must be off meanwhile, and which can be on again.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Direction, Leg, Warning};
use crate::release::ExtensionName;
use crate::version::{Dotted, Version};

/// An extension as it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstalledExtension {
    pub name: ExtensionName,
    /// None where nothing tells it.
    pub version: Option<Dotted>,
    pub state: ExtensionState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtensionState {
    /// The product loads it; and whether NetLink knows how to switch it off.
    Active { can_be_disabled: bool },
    /// An earlier update has switched it off.
    DisabledByUpdate,
}

/// What the planner is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtensionFacts {
    pub found: FoundExtensions,
    /// Those that the operator lets be switched off where they do not fit.
    pub may_be_disabled: BTreeSet<ExtensionName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundExtensions {
    Known(Vec<InstalledExtension>),
    /// There may be some, and the operator wants an update without looking for them.
    PassedOver,
}

impl Default for FoundExtensions {
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

/// One that changes, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ExtensionChange {
    #[schema(value_type = String)]
    pub name: ExtensionName,
    #[schema(value_type = Option<String>, required = true)]
    pub version: Option<Dotted>,
    pub because: String,
}

/// What a leg does to extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExtensionChanges {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<ExtensionChange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enabled: Vec<ExtensionChange>,
}

impl ExtensionChanges {
    pub fn is_empty(&self) -> bool {
        self.disabled.is_empty() && self.enabled.is_empty()
    }
}

/// One that a release on the way does not run with, and that nobody has let be switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incompatible {
    #[schema(value_type = String)]
    pub name: ExtensionName,
    #[schema(value_type = Option<String>, required = true)]
    pub version: Option<Dotted>,
    /// The first release on the way that does not run with it.
    #[schema(value_type = String)]
    pub release: Version,
    pub because: String,
    /// `--disable-incompatible` with its name would switch it off.
    pub can_be_disabled: bool,
}

/// What becomes of extensions on a way.
#[derive(Debug, Default)]
pub struct Decided {
    /// For each leg.
    pub changes: Vec<ExtensionChanges>,
    /// Those that stand in the way.
    pub incompatible: Vec<Incompatible>,
    pub warnings: Vec<Warning>,
}

pub fn decide(facts: &ExtensionFacts, legs: &[Leg], direction: Direction) -> Decided {
    let mut decided = Decided::default();
    if !matches!(direction, Direction::Up | Direction::Down) {
        return decided;
    }
    let mut now: BTreeSet<InstalledExtension> = match &facts.found {
        FoundExtensions::Known(found) => found.iter().cloned().collect(),
        FoundExtensions::PassedOver => {
            decided.warnings.push(passed_over());
            BTreeSet::new()
        }
    };
    for at in 0..legs.len() {
        let mut changes = ExtensionChanges::default();
        if legs[at].rules.extensions.is_none() {
            decided.warnings.extend(unsaid(&legs[at], &now));
        }
        let then = now.iter().map(|extension| {
            let state = decided.next_state(facts, (extension, &now), &legs[at..], &mut changes);
            let extension = extension.clone();
            InstalledExtension { state, ..extension }
        });
        now = then.collect();
        decided.changes.push(changes);
    }
    let is_idle = |name: &&ExtensionName| {
        let disabled = decided.changes.iter().flat_map(|changes| &changes.disabled);
        let mut touched = disabled
            .map(|one| &one.name)
            .chain(decided.incompatible.iter().map(|one| &one.name));
        !touched.any(|touched| touched == *name)
    };
    let idle = facts.may_be_disabled.iter().filter(is_idle);
    let idle: Vec<Warning> = idle
        .map(|name| Warning {
            code: "unknown-extension".into(),
            message: format!("`--disable-incompatible {name}` names no extension that is installed and does not fit"),
        })
        .collect();
    decided.warnings.extend(idle);
    decided
}

impl Decided {
    /// Of one extension at the first of these legs. It is switched on again where it can stay on until the end.
    fn next_state(
        &mut self,
        facts: &ExtensionFacts,
        (extension, all): (&InstalledExtension, &BTreeSet<InstalledExtension>),
        legs: &[Leg],
        changes: &mut ExtensionChanges,
    ) -> ExtensionState {
        let Some(leg) = legs.first() else {
            return extension.state;
        };
        match (extension.state, objection(leg, extension)) {
            (ExtensionState::Active { can_be_disabled }, Some(because)) => {
                if can_be_disabled && facts.may_be_disabled.contains(&extension.name) {
                    changes
                        .disabled
                        .push(extension.change(format!("{}: {because}", leg.to)));
                    return ExtensionState::DisabledByUpdate;
                }
                // Said once, of the first release that it does not fit.
                let known = |one: &Incompatible| one.name == extension.name && one.version == extension.version;
                if !self.incompatible.iter().any(known) {
                    self.incompatible
                        .push(extension.incompatible(leg, because, can_be_disabled));
                }
                extension.state
            }
            (ExtensionState::DisabledByUpdate, None) => {
                let stays_on = |one: &InstalledExtension| legs.iter().all(|leg| objection(leg, one).is_none());
                let newer = |one: &&InstalledExtension| {
                    one.state == extension.state && one.name == extension.name && one.version > extension.version
                };
                let is_replaced = is_replaced(extension, all) || all.iter().filter(newer).any(stays_on);
                if leg.rules.extensions.is_none() || !stays_on(extension) || is_replaced {
                    return extension.state;
                }
                changes
                    .enabled
                    .push(extension.change(format!("{} supports it", leg.to)));
                ExtensionState::Active { can_be_disabled: true }
            }
            (state, _) => state,
        }
    }
}

/// Another version of it is in use, which the operator has installed since.
fn is_replaced(extension: &InstalledExtension, all: &BTreeSet<InstalledExtension>) -> bool {
    let active = |other: &&InstalledExtension| matches!(other.state, ExtensionState::Active { .. });
    all.iter().filter(active).any(|other| other.name == extension.name)
}

fn objection(leg: &Leg, extension: &InstalledExtension) -> Option<String> {
    let supported = leg.rules.extensions.as_ref()?;
    supported.objection(&extension.name, extension.version.as_ref())
}

fn passed_over() -> Warning {
    Warning {
        code: "extensions-passed-over".into(),
        message: "extensions are not looked for (`update_system.safety.check_extensions` is false): whether the new release runs with them is not known"
            .into(),
    }
}

fn unsaid(leg: &Leg, now: &BTreeSet<InstalledExtension>) -> Option<Warning> {
    let active = now
        .iter()
        .filter(|extension| matches!(extension.state, ExtensionState::Active { .. }));
    let named: Vec<String> = active.map(|one| shown(&one.name, one.version.as_ref())).collect();
    let message = format!(
        "{} does not say which extensions it supports; they stay as they are: {}",
        leg.to,
        named.join(", ")
    );
    (!named.is_empty()).then(|| Warning {
        code: "extensions-unsaid".into(),
        message,
    })
}

/// Those of what is found now that a release on the way does not run with, though the plan does not switch them off: they came
/// since it was made.
pub fn unforeseen(legs: &[Leg], found: &[InstalledExtension]) -> Vec<Incompatible> {
    let mut all = Vec::new();
    for extension in found {
        let ExtensionState::Active { can_be_disabled } = extension.state else {
            continue;
        };
        let is_it = |change: &ExtensionChange| change.name == extension.name && change.version == extension.version;
        for leg in legs {
            if leg.extensions.disabled.iter().any(is_it) {
                break;
            }
            if let Some(because) = objection(leg, extension) {
                all.push(extension.incompatible(leg, because, can_be_disabled));
                break;
            }
        }
    }
    all
}

impl InstalledExtension {
    fn change(&self, because: String) -> ExtensionChange {
        ExtensionChange {
            name: self.name.clone(),
            version: self.version.clone(),
            because,
        }
    }

    fn incompatible(&self, leg: &Leg, because: String, can_be_disabled: bool) -> Incompatible {
        Incompatible {
            name: self.name.clone(),
            version: self.version.clone(),
            release: leg.to.clone(),
            because,
            can_be_disabled,
        }
    }
}

/// `gallery 1.0`, or `gallery` where no version is known.
fn shown(name: &ExtensionName, version: Option<&Dotted>) -> String {
    version.map_or_else(|| name.to_string(), |version| format!("{name} {version}"))
}

impl fmt::Display for ExtensionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", shown(&self.name, self.version.as_ref()), self.because)
    }
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = shown(&self.name, self.version.as_ref());
        write!(f, "{named} does not go with {}: {}", self.release, self.because)?;
        match self.can_be_disabled {
            true => write!(f, "; `--disable-incompatible {}` switches it off", self.name),
            false => f.write_str("; switch it off in the product itself"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::plan::Strategy as HowItComes;
    use crate::release::{ReleaseRules, Supported};

    fn leg(to: &str, supported: Option<&[(&str, &str)]>) -> Leg {
        let text = |rules: &[(&str, &str)]| serde_json::to_string(&rules.iter().copied().collect::<BTreeMap<_, _>>());
        let supported = supported.map(|rules| serde_json::from_str::<Supported>(&text(rules).unwrap()).unwrap());
        Leg {
            from: None,
            to: to.parse().unwrap(),
            hops: Vec::new(),
            strategy: HowItComes::None,
            rules: ReleaseRules {
                extensions: supported,
                ..ReleaseRules::default()
            },
            schema: None,
            extensions: ExtensionChanges::default(),
        }
    }

    const ACTIVE: ExtensionState = ExtensionState::Active { can_be_disabled: true };

    fn found(name: &str, version: &str, state: ExtensionState) -> InstalledExtension {
        InstalledExtension {
            name: name.parse().unwrap(),
            version: Some(version.parse().unwrap()),
            state,
        }
    }

    fn facts(found: &[InstalledExtension], disable: &[&str]) -> ExtensionFacts {
        ExtensionFacts {
            found: FoundExtensions::Known(found.to_vec()),
            may_be_disabled: disable.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    /// `-gallery +maps` a leg.
    fn told(decided: &Decided) -> Vec<String> {
        let of = |changes: &ExtensionChanges| {
            let off = changes.disabled.iter().map(|one| format!("-{}", one.name));
            let on = changes.enabled.iter().map(|one| format!("+{}", one.name));
            off.chain(on).collect::<Vec<_>>().join(" ")
        };
        decided.changes.iter().map(of).collect()
    }

    #[test]
    fn what_does_not_fit_is_listed_and_switched_off_only_when_it_is_named() {
        let here = [found("gallery", "1.0", ACTIVE), found("maps", "3.0", ACTIVE)];
        let way = [
            leg("0b1", Some(&[("maps", "*")])),
            leg("0r1", Some(&[("gallery", ">=2"), ("maps", "<3")])),
        ];
        let decided = decide(&facts(&here, &[]), &way, Direction::Up);
        assert_eq!(told(&decided), ["", ""]);
        let said: Vec<String> = decided.incompatible.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "gallery 1.0 does not go with 0b1: it does not support it; `--disable-incompatible gallery` switches it off",
                "maps 3.0 does not go with 0r1: it supports <3; `--disable-incompatible maps` switches it off",
            ]
        );
        let decided = decide(&facts(&here, &["gallery", "maps", "nobody"]), &way, Direction::Down);
        assert_eq!(told(&decided), ["-gallery", "-maps"]);
        assert!(
            decided.incompatible.is_empty() && decided.warnings.len() == 1,
            "{decided:?}"
        );
        assert!(
            decide(&facts(&here, &[]), &way, Direction::Repair)
                .incompatible
                .is_empty()
        );
    }

    #[test]
    fn what_fits_again_is_switched_on_where_it_can_stay_on() {
        let off = [found("gallery", "1.0", ExtensionState::DisabledByUpdate)];
        let fits: Option<&[(&str, &str)]> = Some(&[("gallery", "1.x")]);
        let (with, without, silent) = (leg("0b1", fits), leg("0r1", Some(&[])), leg("0a2", None));
        let of = |found: &[InstalledExtension], way: &[&Leg]| {
            let way: Vec<Leg> = way.iter().map(|leg| (*leg).clone()).collect();
            told(&decide(&facts(found, &[]), &way, Direction::Up))
        };
        assert_eq!(of(&off, &[&with]), ["+gallery"]);
        assert_eq!(of(&off, &[&without, &with]), ["", "+gallery"]);
        assert_eq!(of(&off, &[&with, &without]), ["", ""]);
        assert_eq!(of(&off, &[&silent]), [""]);
        let replaced = [off[0].clone(), found("gallery", "1.5", ACTIVE)];
        assert_eq!(of(&replaced, &[&with]), [""]);
    }

    fn any_way() -> impl Strategy<Value = Vec<Leg>> {
        let rule = proptest::sample::select(vec!["*", "1.x", ">=2", "<2"]);
        let rules = proptest::option::of(proptest::collection::btree_map("[abc]", rule, 0..3));
        proptest::collection::vec(rules, 1..4).prop_map(|all| {
            let legs = all.into_iter().enumerate();
            legs.map(|(at, rules)| {
                let rules: Option<Vec<(&str, &str)>> = rules
                    .as_ref()
                    .map(|rules| rules.iter().map(|(name, rule)| (name.as_str(), *rule)).collect());
                leg(&format!("0a{}", at + 1), rules.as_deref())
            })
            .collect()
        })
    }

    fn any_found() -> impl Strategy<Value = Vec<InstalledExtension>> {
        let state = proptest::sample::select(vec![ACTIVE, ExtensionState::DisabledByUpdate]);
        let one =
            ("[abc]", 1..4_u8, state).prop_map(|(name, version, state)| found(&name, &version.to_string(), state));
        proptest::collection::vec(one, 0..4)
    }

    proptest! {
        /// No release ever runs with an extension that it does not support, unless that is told; and what is let be off is never told.
        #[test]
        fn nothing_runs_beside_what_does_not_support_it(here in any_found(), mut way in any_way(), all in any::<bool>()) {
            let here: Vec<_> = here.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            let may = if all { vec!["a", "b", "c"] } else { Vec::new() };
            let decided = decide(&facts(&here, &may), &way, Direction::Up);
            prop_assert!(!all || decided.incompatible.is_empty());
            let mut on: BTreeSet<_> = here.iter().filter(|one| one.state == ACTIVE).map(|one| (one.name.clone(), one.version.clone())).collect();
            for (leg, changes) in way.iter_mut().zip(&decided.changes) {
                for one in &changes.disabled {
                    prop_assert!(on.remove(&(one.name.clone(), one.version.clone())));
                }
                for one in &changes.enabled {
                    prop_assert!(on.insert((one.name.clone(), one.version.clone())));
                }
                let supported = leg.rules.extensions.clone();
                for (name, version) in &on {
                    let fits = supported.as_ref().is_none_or(|supported| supported.objection(name, version.as_ref()).is_none());
                    let is_told = decided.incompatible.iter().any(|one| one.name == *name && one.version == *version);
                    prop_assert!(fits || is_told);
                }
                leg.extensions = changes.clone();
            }
            // What the plan was made for is all foreseen.
            prop_assert_eq!(unforeseen(&way, &here).len(), decided.incompatible.len());
        }
    }
}
