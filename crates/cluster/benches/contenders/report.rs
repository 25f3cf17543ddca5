//! How the figures are told: medians, and how each contender compares with ours, round by round.

/// One contender: its median, and how that compares with ours.
pub fn row(name: &str, values: &[f64], ours: Option<&[f64]>) {
    let ratio = ours.map(|ours| {
        let ratios: Vec<f64> =
            values.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
        format!("{:6.2} times ours", median(&ratios))
    });
    println!("  {name:<30} {:9.3}  {}", median(values), ratio.unwrap_or_default());
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
