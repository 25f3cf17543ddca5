//! The user and the groups that a worker becomes.

use std::io;

use nix::unistd::{Gid, Uid, User};

use crate::settings::Settings;

/// What a worker becomes between fork and exec.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rights {
    pub uid: Option<Uid>,
    pub gid: Option<Gid>,
    /// Whether it has to lose the supplementary groups. If not, it has no right to, and keeps what
    /// its primary has.
    pub groups_must_go: bool,
}

/// Who this process is.
#[derive(Clone, Copy, Debug)]
struct Own {
    uid: Uid,
    gid: Gid,
}

impl Rights {
    /// `None`: those of the primary.
    ///
    /// # Errors
    /// The list of users cannot be read: then nobody knows which group goes with the user.
    pub(crate) fn of(settings: &Settings) -> io::Result<Option<Rights>> {
        let own = Own { uid: Uid::effective(), gid: Gid::effective() };
        let asked = (settings.uid.map(Uid::from_raw), settings.gid.map(Gid::from_raw));
        decide(own, asked, |uid| Ok(User::from_uid(uid)?.map(|user| user.gid)))
    }
}

fn decide(
    own: Own,
    asked: (Option<Uid>, Option<Gid>),
    group_of: impl Fn(Uid) -> io::Result<Option<Gid>>,
) -> io::Result<Option<Rights>> {
    let (uid, gid) = asked;
    if uid.is_none() && gid.is_none() {
        return Ok(None);
    }
    // To become what one is needs no right, and drops none. As in Node, that is allowed to
    // everybody.
    let stays = uid.is_none_or(|uid| uid == own.uid) && gid.is_none_or(|gid| gid == own.gid);
    if stays && !own.uid.is_root() {
        return Ok(Some(Rights { uid, gid, groups_must_go: false }));
    }
    let gid = match (uid, gid) {
        (Some(uid), None) => {
            // Without a group of its own it would keep the primary's, which may be root's.
            Some(group_of(uid)?.unwrap_or(Gid::from_raw(uid.as_raw())))
        }
        _ => gid,
    };
    Ok(Some(Rights { uid, gid, groups_must_go: true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Own = Own { uid: Uid::from_raw(0), gid: Gid::from_raw(0) };
    const USER: Own = Own { uid: Uid::from_raw(1000), gid: Gid::from_raw(100) };

    /// User 7 has group 70; nobody knows the others.
    fn rights(
        own: Own,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Option<(Option<u32>, Option<u32>, bool)> {
        let asked = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        let of = |uid: Uid| Ok((uid.as_raw() == 7).then_some(Gid::from_raw(70)));
        let rights = decide(own, asked, of).unwrap()?;
        Some((rights.uid.map(Uid::as_raw), rights.gid.map(Gid::as_raw), rights.groups_must_go))
    }

    #[test]
    fn who_asks_for_nothing_gets_nothing() {
        assert_eq!(rights(ROOT, None, None), None);
        assert_eq!(rights(USER, None, None), None);
    }

    #[test]
    fn a_user_without_a_group_gets_the_users_own_or_the_same_number() {
        assert_eq!(rights(ROOT, Some(7), None), Some((Some(7), Some(70), true)));
        assert_eq!(rights(ROOT, Some(8), None), Some((Some(8), Some(8), true)));
        assert_eq!(rights(ROOT, Some(7), Some(9)), Some((Some(7), Some(9), true)));
        assert_eq!(rights(ROOT, None, Some(9)), Some((None, Some(9), true)));
    }

    #[test]
    fn root_loses_its_groups_even_where_it_stays_root() {
        assert_eq!(rights(ROOT, Some(0), Some(0)), Some((Some(0), Some(0), true)));
    }

    #[test]
    fn who_is_not_root_may_become_what_it_is_and_keeps_its_groups() {
        assert_eq!(rights(USER, Some(1000), None), Some((Some(1000), None, false)));
        assert_eq!(rights(USER, Some(1000), Some(100)), Some((Some(1000), Some(100), false)));
        assert_eq!(rights(USER, None, Some(100)), Some((None, Some(100), false)));
    }

    #[test]
    fn who_is_not_root_and_becomes_another_drops_all_or_fails() {
        assert_eq!(rights(USER, Some(7), None), Some((Some(7), Some(70), true)));
        assert_eq!(rights(USER, Some(1000), Some(9)), Some((Some(1000), Some(9), true)));
    }

    #[test]
    fn where_the_users_cannot_be_read_nobody_is_started() {
        let asked = (Some(Uid::from_raw(7)), None);
        decide(ROOT, asked, |_| Err(io::Error::from_raw_os_error(24))).unwrap_err();
    }
}
