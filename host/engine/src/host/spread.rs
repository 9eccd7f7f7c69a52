//! Which host is to have which tenant: evenly, and with few changes when a host comes or goes.
//!
//! Every host computes the same from the same roster, so nobody has to be asked.

use std::collections::BTreeMap;

use siyu_model::id::HostId;
use siyu_model::limits::fleet::MOVES_MAX;
use siyu_model::name::TenantName;

use crate::ports::fleet::Roster;

/// The home of each tenant. Each host gets as many as every other, or one more; a tenant goes to the host that it ranks
/// highest among those with room (rendezvous hashing with bounded loads), so that another host changes the homes of few.
pub(super) fn homes(roster: &Roster) -> BTreeMap<&TenantName, HostId> {
    let mut homes = BTreeMap::new();
    if roster.hosts.is_empty() {
        return homes;
    }
    let (each, more) = (roster.tenants.len() / roster.hosts.len(), roster.tenants.len() % roster.hosts.len());
    let mut loads: BTreeMap<HostId, usize> = BTreeMap::new();
    // So many hosts may still get one more than each gets.
    let mut more_left = more;
    for (tenant, _) in &roster.tenants {
        let mut ranked: Vec<([u8; 8], HostId)> =
            roster.hosts.iter().map(|host| (rank(tenant, *host), *host)).collect();
        ranked.sort_unstable();
        let home = ranked.iter().rev().map(|(_, host)| *host).find(|host| {
            let load = loads.get(host).copied().unwrap_or(0);
            load < each || (load == each && more_left > 0)
        });
        // There is always room: the sum of what all may have is the number of tenants.
        if let Some(home) = home {
            let load = loads.entry(home).or_default();
            more_left -= usize::from(*load == each);
            *load += 1;
            homes.insert(tenant, home);
        }
    }
    homes
}

/// Tenants that a host gives up: those whose home is a host with less to do, by two or more. So a host that comes gets its
/// part, and no tenant moves for a difference of one.
pub(super) fn excess(
    roster: &Roster,
    me: HostId,
    held: &[&TenantName],
    homes: &BTreeMap<&TenantName, HostId>,
) -> Vec<TenantName> {
    let mut loads: BTreeMap<HostId, usize> = roster.hosts.iter().map(|host| (*host, 0)).collect();
    for (_, holder) in &roster.tenants {
        if let Some(load) = holder.and_then(|holder| loads.get_mut(&holder)) {
            *load += 1;
        }
    }
    let mut mine = held.len();
    let mut given = Vec::new();
    for name in held {
        let Some(home) = homes.get(*name).filter(|home| **home != me) else { continue };
        let Some(load) = loads.get_mut(home) else { continue };
        if mine >= *load + 2 && given.len() < MOVES_MAX {
            mine -= 1;
            *load += 1;
            given.push((*name).clone());
        }
    }
    given
}

fn rank(tenant: &TenantName, host: HostId) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(host.as_bytes());
    hasher.update(tenant.as_str().as_bytes());
    let mut rank = [0; 8];
    rank.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(tenants: usize, hosts: &[u8]) -> Roster {
        let tenants = (0..tenants).map(|number| format!("client-{number:04}").parse().expect("a name"));
        let mut hosts: Vec<HostId> = hosts.iter().map(|byte| HostId::from_bytes([*byte; 16])).collect();
        hosts.sort_unstable();
        Roster { hosts, tenants: tenants.map(|name| (name, None)).collect() }
    }

    fn loads(roster: &Roster) -> Vec<usize> {
        let homes = homes(roster);
        roster.hosts.iter().map(|host| homes.values().filter(|home| *home == host).count()).collect()
    }

    #[test]
    fn every_tenant_has_a_home_and_every_host_as_many_as_the_others_or_one_more() {
        for (tenants, hosts) in [(0, 3), (1, 3), (7, 3), (100, 1), (100, 7), (1_000, 16)] {
            let hosts: Vec<u8> = (1..=hosts).collect();
            let roster = roster(tenants, &hosts);
            let loads = loads(&roster);
            assert_eq!(loads.iter().sum::<usize>(), tenants);
            let (least, most) = (loads.iter().min(), loads.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{loads:?}");
        }
        assert!(homes(&roster(3, &[])).is_empty());
    }

    /// What the roster is after each host in turn gave up and every home took.
    fn settled(mut roster: Roster) -> Roster {
        for _ in 0..20 {
            for me in roster.hosts.clone() {
                let homes = homes(&roster);
                let held: Vec<&TenantName> = roster
                    .tenants
                    .iter()
                    .filter(|(_, holder)| *holder == Some(me))
                    .map(|(name, _)| name)
                    .collect();
                let gone = excess(&roster, me, &held, &homes);
                let homes: BTreeMap<TenantName, HostId> =
                    homes.into_iter().map(|(name, home)| (name.clone(), home)).collect();
                for (name, holder) in &mut roster.tenants {
                    if holder.is_none() || gone.contains(name) {
                        *holder = homes.get(name).copied();
                    }
                }
            }
        }
        roster
    }

    #[test]
    fn hosts_that_come_get_their_part_and_no_tenant_moves_for_a_difference_of_one() {
        let held = |roster: &Roster| {
            let count = |host| roster.tenants.iter().filter(|(_, holder)| *holder == Some(host)).count();
            roster.hosts.iter().map(|host| count(*host)).collect::<Vec<_>>()
        };
        for (tenants, before, after) in [(9, 1, 3), (100, 2, 5), (1_000, 4, 5), (10, 3, 3)] {
            let mut roster = settled(roster(tenants, &(1..=before).collect::<Vec<u8>>()));
            roster.hosts = (1..=after).map(|byte| HostId::from_bytes([byte; 16])).collect();
            let loads = held(&settled(roster));
            let (least, most) = (loads.iter().min(), loads.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 2), "{loads:?}");
        }
        let mut one = roster(1, &[1, 2]);
        let home = homes(&one).into_values().next();
        let stranger = one.hosts.iter().copied().find(|host| Some(*host) != home);
        one.tenants[0].1 = stranger;
        assert_eq!(settled(one.clone()), one);
    }

    #[test]
    fn a_host_that_comes_or_goes_changes_the_homes_of_few() {
        const TENANTS: usize = 1_000;
        let (four, five) = (roster(TENANTS, &[1, 2, 3, 4]), roster(TENANTS, &[1, 2, 3, 4, 5]));
        let (before, after) = (homes(&four), homes(&five));
        let moved = before.iter().filter(|(tenant, home)| after[*tenant] != **home).count();
        // A fifth must move; bounds move some more.
        assert!((TENANTS / 5..TENANTS * 2 / 5).contains(&moved), "{moved}");
    }
}
