//! `[[member]]`: single instances that differ from the others, and the names of all.

use leasehold_core::id::{Capabilities, ServiceId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Counts, InstanceTable, TopologyTable};
use crate::suggest::{cut, did_you_mean};
use crate::value::Whole;
use crate::{Diagnostic, Diagnostics, Spanned};

/// How many capabilities can be told apart: a bit each.
const MOST_CAPABILITIES: usize = 32;

/// A `[[member]]`: the first describes instance-1, the second instance-2, and so on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberTable {
    /// The name of its node: instance-1, instance-2, ... unless it is given.
    name: Option<Spanned<String>>,
    /// The service that it offers; services are dealt out in turn unless it is given.
    service: Option<Spanned<String>>,
    /// The zone that it runs in, from 1; zones are dealt out in turn unless it is given.
    zone: Option<Spanned<Whole<1, 100>>>,
    /// What it can do, by name; what `[instance]` says unless it is given.
    capabilities: Option<Vec<Spanned<String>>>,
}

/// One instance of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Berth {
    pub(crate) name: String,
    pub(crate) service: ServiceId,
    pub(crate) zone: u16,
    pub(crate) capabilities: Capabilities,
}

/// All instances, and the names that services and capabilities have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fleet {
    pub(crate) berths: Vec<Berth>,
    services: Vec<String>,
    capabilities: Vec<String>,
}

impl Fleet {
    pub(crate) fn read(
        members: &[Spanned<MemberTable>],
        instance: &InstanceTable,
        topology: &TopologyTable,
        counts: Counts,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let Some(services) = found.keep(topology.services()) else { return Err(found) };
        if let Some(more) = members.get(usize::from(counts.instances)) {
            let message = format!("{} members described, of {} instances", members.len(), counts.instances);
            found.push(
                Diagnostic::at(more.span(), message)
                    .label("this one is not there: expected at most one [[member]] an instance")
                    .help(format!("write topology.instances = {} or more", members.len())),
            );
        }
        check_names(members, counts, &mut found);
        let mut capabilities = Vec::new();
        let common = bits(&instance.capabilities, &mut capabilities, &mut found);
        let mut berths = Vec::new();
        for index in 0..counts.instances {
            let member = members.get(usize::from(index)).map(Spanned::get_ref);
            let service = member.and_then(|member| member.service.as_ref());
            let service = match service {
                Some(service) => found.keep(known(service, &services, "service")).unwrap_or(0),
                None => usize::from(index) % services.len(),
            };
            berths.push(Berth {
                name: match member.and_then(|member| member.name.as_ref()) {
                    Some(name) => name.get_ref().clone(),
                    None => format!("instance-{}", index + 1),
                },
                service: ServiceId(u16::try_from(service).unwrap_or(u16::MAX)),
                zone: zone(member, index, counts, &mut found),
                capabilities: match member.and_then(|member| member.capabilities.as_ref()) {
                    Some(own) => bits(own, &mut capabilities, &mut found),
                    None => common,
                },
            });
        }
        found.or(Self { berths, services, capabilities })
    }

    /// The id of a service.
    pub(crate) fn service(&self, name: &Spanned<String>) -> Result<ServiceId, Diagnostic> {
        known(name, &self.services, "service")
            .map(|index| ServiceId(u16::try_from(index).unwrap_or(u16::MAX)))
    }

    /// The capabilities with these names.
    pub(crate) fn capabilities(&self, names: &[Spanned<String>]) -> Result<Capabilities, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut set = 0;
        for name in names {
            if self.capabilities.is_empty() {
                found.push(
                    Diagnostic::at(name.span(), format!("unknown capability `{}`", cut(name.get_ref())))
                        .label("no instance can do anything that has a name")
                        .help(format!(
                            "add capabilities = [\"{}\"] to [instance], or to a [[member]]",
                            cut(name.get_ref())
                        )),
                );
            } else if let Some(bit) = found.keep(known(name, &self.capabilities, "capability")) {
                set |= 1 << bit;
            }
        }
        found.or(Capabilities(set))
    }
}

/// Two instances cannot have one name, and none that of another node or of a role.
fn check_names(members: &[Spanned<MemberTable>], counts: Counts, found: &mut Diagnostics) {
    let names = || {
        members
            .iter()
            .enumerate()
            .filter_map(|(index, member)| Some((index, member.get_ref().name.as_ref()?)))
    };
    for (index, name) in names() {
        let text = name.get_ref().as_str();
        let is_fit = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !is_fit {
            found.push(
                Diagnostic::at(name.span(), format!("`{}` cannot be the name of an instance", cut(text)))
                    .label("expected letters, digits, `-`, `_` and `.`"),
            );
        } else if let Some((_, before)) =
            names().take_while(|(other, _)| *other < index).find(|(_, other)| other.get_ref() == text)
        {
            found.push(
                Diagnostic::at(name.span(), format!("two instances are called `{text}`"))
                    .label("expected another name")
                    .related(before.span(), "the first is here"),
            );
        } else if let Some(whose) = taken(text, index, members, counts) {
            found.push(
                Diagnostic::at(name.span(), format!("an instance called `{text}`, as {whose} is"))
                    .label("expected another name"),
            );
        }
    }
}

/// Who else is called so.
fn taken(name: &str, own: usize, members: &[Spanned<MemberTable>], counts: Counts) -> Option<String> {
    let roles = leasehold_core::plan::Role::ALL.map(leasehold_core::plan::Role::name);
    if name == crate::fault::EVERYBODY || name == "holder" || name == "ex-holder" || roles.contains(&name) {
        return Some(format!("what faults call `{name}`"));
    }
    let (stem, number) = name.rsplit_once('-')?;
    let number: usize = number.parse().ok().filter(|number| *number > 0)?;
    let is_there = |count: u16| number <= usize::from(count);
    match stem {
        "instance" => {
            let has_own_name = members.get(number - 1).is_some_and(|member| member.get_ref().name.is_some());
            (is_there(counts.instances) && number - 1 != own && !has_own_name)
                .then(|| format!("the instance number {number}"))
        }
        "sidecar" => is_there(counts.sidecars).then(|| "a sidecar".to_owned()),
        "discovery" => is_there(counts.discovery).then(|| "a discovery client".to_owned()),
        "follower" => is_there(counts.followers).then(|| "a follower".to_owned()),
        "observer" => is_there(counts.observers).then(|| "an observer".to_owned()),
        _ => None,
    }
}

/// The position of a name among those that are known.
fn known(name: &Spanned<String>, names: &[String], what: &str) -> Result<usize, Diagnostic> {
    let text = name.get_ref().as_str();
    names.iter().position(|known| known == text).ok_or_else(|| {
        Diagnostic::at(name.span(), format!("unknown {what} `{}`", cut(text)))
            .help(did_you_mean(text, names.iter().map(String::as_str)))
    })
}

/// A bit for each name; those that are new get the next.
fn bits(wanted: &[Spanned<String>], names: &mut Vec<String>, found: &mut Diagnostics) -> Capabilities {
    let mut set = 0;
    for name in wanted {
        let text = name.get_ref();
        let bit = names.iter().position(|known| known == text).unwrap_or_else(|| {
            names.push(text.clone());
            names.len() - 1
        });
        if bit >= MOST_CAPABILITIES {
            found.push(
                Diagnostic::at(name.span(), format!("`{}` is one capability too many", cut(text)))
                    .label(format!("{MOST_CAPABILITIES} are the most there can be")),
            );
        } else {
            set |= 1 << bit;
        }
    }
    Capabilities(set)
}

fn zone(member: Option<&MemberTable>, index: u16, counts: Counts, found: &mut Diagnostics) -> u16 {
    let Some(zone) = member.and_then(|member| member.zone.as_ref()) else { return index % counts.zones };
    let Whole(number) = *zone.get_ref();
    if number > u32::from(counts.zones) {
        found.push(
            Diagnostic::at(zone.span(), format!("zone {number} of {}", counts.zones))
                .label("expected zone <= topology.zones")
                .help(format!("write topology.zones = {number} or more")),
        );
    }
    u16::try_from(number).map_or(0, |number| number - 1)
}
