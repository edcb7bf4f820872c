"""The statistics against SciPy's."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from webapp.traffic.effect import HORIZON_SECONDS, STRAY, time_to_effect
from webapp.traffic.statistics import ALPHA, RARE, log_evidence, log_evidence_of_more, quantile, share_interval

seen = st.integers(1, 3000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


@given(seen, st.floats(0.001, 0.999))
def test_evidence_is_the_beta_binomial_over_the_binomial(pair: tuple[int, int], share: float) -> None:
    mixture, likelihood = stats.betabinom(pair[1], 1, 1), stats.binom(pair[1], share)
    expected = mixture.logpmf(pair[0]) - likelihood.logpmf(pair[0])
    assert log_evidence(*pair, share) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@given(seen)
def test_edges_are_the_roots_of_the_evidence(pair: tuple[int, int]) -> None:
    successes, count = pair

    def excess(share: float) -> float:
        mixture, likelihood = stats.betabinom(count, 1, 1), stats.binom(count, share)
        return float(mixture.logpmf(successes) - likelihood.logpmf(successes) + math.log(ALPHA))

    low, high = share_interval(successes, count)
    middle = successes / count
    if successes:
        assert low == pytest.approx(optimize.brentq(excess, 1e-300, middle, xtol=1e-12), abs=1e-8)
    if successes < count:
        assert high == pytest.approx(optimize.brentq(excess, middle, 1 - 1e-16, xtol=1e-12), abs=1e-8)


@given(seen, seen)
def test_evidence_of_more_is_two_mixtures_over_the_likeliest_of_no_more(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    evidence = log_evidence_of_more(one, other)
    if one[0] * other[1] <= other[0] * one[1]:
        assert evidence == -math.inf
        return

    def likelihood(shares: tuple[float, float]) -> float:
        return float(
            sum(stats.binom(each[1], share).logpmf(each[0]) for each, share in zip((one, other), shares, strict=True))
        )

    mixture = sum(stats.betabinom(count, *RARE).logpmf(successes) for successes, count in (one, other))
    same = (one[0] + other[0]) / (one[1] + other[1])
    assert evidence == pytest.approx(mixture - likelihood((same, same)), rel=1e-7, abs=1e-7)
    # No two shares of which the first is not the larger are any likelier.
    for first, second in ((same * 0.99, same), (same, same + (1 - same) * 0.01), (same * 0.9, same * 0.9)):
        assert likelihood((first, second)) <= likelihood((same, same)) + 1e-9


@given(seen, st.floats(0.01, 0.5))
def test_the_interval_of_rare_shares_ends_where_the_evidence_does(pair: tuple[int, int], alpha: float) -> None:
    successes, count = pair
    mixture = stats.betabinom(count, *RARE).logpmf(successes)

    def is_inside(share: float) -> bool:
        return bool(mixture - stats.binom(count, share).logpmf(successes) < -math.log(alpha))

    low, high = share_interval(successes, count, alpha=alpha, prior=RARE)
    assert is_inside(min(low + 1e-7, successes / count)) and is_inside(max(high - 1e-7, successes / count))
    assert low < 1e-7 or not is_inside(low - 1e-7)
    assert high > 1 - 1e-7 or not is_inside(high + 1e-7)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_quantiles_are_the_inverse_of_the_empirical_distribution(values: list[float], q: float) -> None:
    assert quantile(sorted(values), q) == numpy.quantile(values, q, method="inverted_cdf")


@given(
    st.lists(
        st.tuples(st.floats(0.001, 30), st.sampled_from(["v1", "v2"])), max_size=80, unique_by=lambda each: each[0]
    ),
    st.integers(1, 99),
    st.integers(1, 99),
)
def test_the_posterior_of_the_change_is_likelihood_by_flat_prior(
    answers: list[tuple[float, str]], old: int, new: int
) -> None:
    answers.sort()
    found = time_to_effect(
        answers, before={"v1": old, "v2": 100 - old}, after={"v1": new, "v2": 100 - new}, elapsed_seconds=30
    )
    if found is None:
        assert old == new
        return
    first_old, first_new = (STRAY / 2 + (1 - STRAY) * each / 100 for each in (old, new))
    moments = numpy.array([at for at, _ in answers])
    firsts = numpy.array([version == "v1" for _, version in answers], dtype=bool)

    def likelihood(change: float) -> float:
        share = numpy.where(moments < change, first_old, first_new)
        return float(stats.bernoulli.logpmf(firsts, share).sum())

    edges = numpy.unique([0.0, *moments, 30 + HORIZON_SECONDS])
    middles = (edges[:-1] + edges[1:]) / 2
    logs = numpy.array([likelihood(each) for each in middles])
    masses = numpy.exp(logs - logs.max()) * numpy.diff(edges)
    inside = (edges[:-1] >= found.low - 1e-9) & (edges[1:] <= found.high + 1e-9)
    assert masses[inside].sum() / masses.sum() >= 0.95 - 1e-6
    after_thirty = masses[-1] * HORIZON_SECONDS / (30 + HORIZON_SECONDS - edges[-2])
    counts = [int(firsts.sum()), int((~firsts).sum())]
    mixture = stats.dirichlet_multinomial([1, 1], len(firsts)).logpmf(counts) if len(firsts) else 0.0
    mixture -= special.gammaln(len(firsts) + 1) - special.gammaln(numpy.add(counts, 1)).sum()
    assert found.misfit == pytest.approx(mixture - logs.max(), rel=1e-6, abs=1e-6)
    assert found.pending == pytest.approx(after_thirty / masses.sum(), rel=1e-6)
