//! The quota of a container: how much CPU time its cgroup may use.

use std::fs;
use std::path::Path;

/// How many CPUs' worth of time this process may use; `None`: no limit.
pub(crate) fn quota() -> Option<usize> {
    quota_in(&fs::read_to_string("/proc/self/cgroup").ok()?, |file| {
        fs::read_to_string(file).ok()
    })
}

/// The lowest limit of our cgroups and of all above them. Never less than 1:
/// half a CPU is one CPU that we have half of the time.
fn quota_in(
    cgroups: &str,
    read: impl Fn(&Path) -> Option<String>,
) -> Option<usize> {
    let cgroup = |line: &str| {
        // number:controllers:path; version 2 is number 0, without controllers
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let path = Path::new(path.trim_start_matches('/'));
        if number == "0" && controllers.is_empty() {
            lowest(path, |folder| {
                let folder = Path::new("/sys/fs/cgroup").join(folder);
                version_2(&read(&folder.join("cpu.max"))?)
            })
        } else if controllers.split(',').any(|name| name == "cpu") {
            let mount = Path::new("/sys/fs/cgroup").join(controllers);
            lowest(path, |folder| {
                let folder = mount.join(folder);
                version_1(
                    &read(&folder.join("cpu.cfs_quota_us"))?,
                    &read(&folder.join("cpu.cfs_period_us"))?,
                )
            })
        } else {
            None
        }
    };
    cgroups.lines().filter_map(cgroup).min()
}

fn lowest(
    path: &Path,
    limit: impl Fn(&Path) -> Option<usize>,
) -> Option<usize> {
    path.ancestors().filter_map(limit).min()
}

// ANCHOR: quota
/// `150000 100000`: in each 100 ms, 150 ms of CPU time. `max 100000`: no limit.
fn version_2(cpu_max: &str) -> Option<usize> {
    let (quota, period) = cpu_max.trim().split_once(' ')?;
    cpus_worth(quota, period)
}

/// The same in two files; there, `-1` means no limit.
fn version_1(quota: &str, period: &str) -> Option<usize> {
    cpus_worth(quota.trim(), period.trim())
}

fn cpus_worth(quota: &str, period: &str) -> Option<usize> {
    let quota: usize = quota.parse().ok()?; // neither `max` nor `-1` is one
    let period: usize = period.parse().ok()?;
    Some(quota.checked_div(period)?.max(1))
}
// ANCHOR_END: quota

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(cgroups: &str, files: &[(&str, &str)]) -> Option<usize> {
        quota_in(cgroups, |path| {
            let file = files.iter().find(|(name, _)| path == Path::new(name));
            file.map(|(_, text)| text.to_string())
        })
    }

    #[test]
    fn version_2_has_one_file() {
        let two = [("/sys/fs/cgroup/cpu.max", "200000 100000\n")];
        assert_eq!(quota("0::/\n", &two), Some(2));
        let max = [("/sys/fs/cgroup/cpu.max", "max 100000\n")];
        assert_eq!(quota("0::/\n", &max), None);
        assert_eq!(quota("0::/\n", &[]), None);
    }

    #[test]
    fn a_limit_further_up_holds_as_well() {
        let files = [
            ("/sys/fs/cgroup/app/web/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/app/cpu.max", "350000 100000\n"),
            ("/sys/fs/cgroup/cpu.max", "800000 100000\n"),
        ];
        assert_eq!(quota("0::/app/web\n", &files), Some(3));
    }

    #[test]
    fn version_1_has_two_files() {
        let cgroups = "4:memory:/\n3:cpu,cpuacct:/docker/57\n0::/\n";
        let root = "/sys/fs/cgroup/cpu,cpuacct";
        let quota_file = format!("{root}/cpu.cfs_quota_us");
        let period_file = format!("{root}/cpu.cfs_period_us");
        let two = [(&*quota_file, "200000\n"), (&*period_file, "100000\n")];
        assert_eq!(quota(cgroups, &two), Some(2));
        let none = [(&*quota_file, "-1\n"), (&*period_file, "100000\n")];
        assert_eq!(quota(cgroups, &none), None);
    }

    #[test]
    fn half_a_cpu_is_one_cpu() {
        let half = [("/sys/fs/cgroup/cpu.max", "50000 100000")];
        assert_eq!(quota("0::/", &half), Some(1));
    }

    #[test]
    fn nonsense_is_no_limit() {
        for text in ["", "1", "x y", "100000 0", "5 -5"] {
            let file = [("/sys/fs/cgroup/cpu.max", text)];
            assert_eq!(quota("0::/", &file), None, "{text:?}");
        }
        assert_eq!(quota("no colons\n:\n::\n", &[]), None);
    }
}
