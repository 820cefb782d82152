//! `[topology]`: who there is.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::field::{seconds, spanned};
use crate::value::{Length, Whole};
use crate::{Diagnostic, Diagnostics, Spanned};

/// The most of a kind. Chosen by us: a fleet of a thousand, each with a client, and twice that.
const MOST: u32 = 2_000;

/// The most followers, observers and zones. Chosen by us.
const MOST_SERVERS: u32 = 100;

/// `[topology]` of the system `registry`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "RegistryTopology")]
pub(crate) struct TopologyTable {
    /// The system has one.
    #[serde(rename = "registries")]
    _registries: Whole<1, 1>,
    /// How many applications there are: nodes instance-1, instance-2, ...
    instances: Spanned<Whole<1, MOST>>,
    /// The first so many of them have a sidecar that sends their heartbeats: nodes sidecar-1, ...
    sidecars: Spanned<Whole<0, MOST>>,
    /// How many look them up: nodes discovery-1, discovery-2, ...
    discovery: Whole<0, MOST>,
    /// How many keep a copy of the registry's list: nodes follower-1, ...
    pub(super) followers: Spanned<Whole<0, MOST_SERVERS>>,
    /// How many probe instances for the registry: nodes observer-1, ...
    observers: Whole<0, MOST_SERVERS>,
    /// How many zones there are: instances are dealt out to them in turn.
    zones: Whole<1, MOST_SERVERS>,
    /// The services, by name: instances are dealt out to them in turn.
    services: Spanned<Vec<Spanned<String>>>,
    /// Instances and discovery clients start within this time.
    starts_within: Spanned<Length>,
}

impl Default for TopologyTable {
    fn default() -> Self {
        Self {
            _registries: Whole(1),
            instances: spanned(Whole(3)),
            sidecars: spanned(Whole(0)),
            discovery: Whole(1),
            followers: spanned(Whole(0)),
            observers: Whole(0),
            zones: Whole(1),
            services: spanned(vec![spanned("service".to_owned())]),
            starts_within: seconds(1),
        }
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) instances: u16,
    pub(crate) sidecars: u16,
    pub(crate) discovery: u16,
    pub(crate) followers: u16,
    pub(crate) observers: u16,
    pub(crate) zones: u16,
    pub(crate) starts_within: leasehold_core::Span,
}

impl TopologyTable {
    pub(crate) fn counts(&self) -> Result<Counts, Diagnostics> {
        let mut found = Diagnostics::default();
        let (Whole(instances), Whole(sidecars)) = (*self.instances.get_ref(), *self.sidecars.get_ref());
        if sidecars > instances {
            let message = format!("{sidecars} sidecars for {instances} applications");
            found.push(
                Diagnostic::at(self.sidecars.span(), message)
                    .label("expected sidecars <= instances: each speaks for one application")
                    .related(self.instances.span(), format!("there are {instances}"))
                    .help(format!("write sidecars = {instances} or less, or instances = {sidecars} or more")),
            );
        }
        let count = |count| u16::try_from(count).expect("2,000 fit into an u16");
        found.or(Counts {
            instances: count(instances),
            sidecars: count(sidecars),
            discovery: count(self.discovery.0),
            followers: count(self.followers.get_ref().0),
            observers: count(self.observers.0),
            zones: count(self.zones.0),
            starts_within: self.starts_within.get_ref().0,
        })
    }

    /// The services, by their ids.
    pub(crate) fn services(&self) -> Result<Vec<String>, Diagnostics> {
        let mut found = Diagnostics::default();
        let services = self.services.get_ref();
        if services.is_empty() {
            found.push(
                Diagnostic::at(self.services.span(), "instances that offer no service")
                    .label("expected at least one name")
                    .help("write services = [\"service\"], or leave it out"),
            );
        }
        for (index, service) in services.iter().enumerate() {
            let before = services[..index].iter().find(|other| other.get_ref() == service.get_ref());
            if let Some(before) = before {
                found.push(
                    Diagnostic::at(
                        service.span(),
                        format!("two services are called `{}`", service.get_ref()),
                    )
                    .label("expected another name")
                    .related(before.span(), "the first is here"),
                );
            }
        }
        found.or(services.iter().map(|service| service.get_ref().clone()).collect())
    }
}
