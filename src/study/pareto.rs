//! What nothing else beats on both counts.

/// Indices of the points (cost, error) that no other point equals or beats on both counts while beating it on one, by
/// rising cost. Points that are not numbers are never among them.
pub fn front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..points.len()).filter(|&i| points[i].0.is_finite() && points[i].1.is_finite()).collect();
    order.sort_by(|&a, &b| {
        points[a].0.total_cmp(&points[b].0).then(points[a].1.total_cmp(&points[b].1)).then(a.cmp(&b))
    });
    let mut front: Vec<usize> = Vec::new();
    for i in order {
        let twin = front.last().is_some_and(|&l| points[l] == points[i]);
        if twin || front.last().is_none_or(|&l| points[i].1 < points[l].1) {
            front.push(i);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::front;

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let points =
            [(3.0, 1.0), (1.0, 3.0), (2.0, 3.0), (2.0, 2.0), (4.0, 1.0), (2.0, 2.0), (f64::NAN, 0.0)];
        assert_eq!(front(&points), [1, 3, 5, 0]);
        assert!(front(&[]).is_empty());
    }
}
