"""The state as gauges of Prometheus. Labels have no names of owners, domains or hosts: there could be any number of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from desk.state.values import Kind, Level, State, Tally
from workers.models import WorkerKind

Samples = Iterable[tuple[str, float]]


class StateCollector(Collector):
    """The gauges of one state, for one scrape."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._findings()
        yield from self._workers()
        yield from self._sweep()
        yield from self._quotas()
        yield from self._mail()
        yield _gauge(
            "deletions_unproved", "Deletions whose absence is not verified yet.", self._state.deletions_unproved
        )
        yield _gauge("deletions_restorable", "Deleted domains that can be restored.", self._state.deletions_restorable)

    def _findings(self) -> Iterator[GaugeMetricFamily]:
        levels = [(level.wire, self._state.by_level.get(level, Tally())) for level in Level]
        kinds = [(kind.value, self._state.by_kind.get(kind, Tally())) for kind in Kind]
        for label, tallies in (("level", levels), ("kind", kinds)):
            yield _labelled(
                f"findings_by_{label}",
                f"What waits or is wrong, by {label}.",
                label,
                ((name, tally.number) for name, tally in tallies),
            )
            yield _labelled(
                f"findings_by_{label}_oldest_seconds",
                f"Age of the oldest of them, by {label}.",
                label,
                ((name, self._age(tally.since)) for name, tally in tallies),
            )

    def _workers(self) -> Iterator[GaugeMetricFamily]:
        workers = [worker for worker in self._state.workers if not worker.elsewhere]
        kinds = sorted({worker.kind for worker in workers})
        # Of which there should be one, although none has ever run. Without a sample, no alert would notice.
        missing = {
            it.subject for it in self._state.findings if it.kind is Kind.WORKER and it.subject in WorkerKind.values
        }
        yield _labelled(
            "workers_alive",
            "Worker processes that have been heard of within a minute.",
            "kind",
            ((kind, sum(it.is_alive for it in workers if it.kind == kind)) for kind in sorted({*kinds, *missing})),
        )
        yield _labelled(
            "worker_last_round_age_seconds",
            "Time since a worker of this kind was last heard of.",
            "kind",
            ((kind, self._age(max(it.last_round_at for it in workers if it.kind == kind))) for kind in kinds),
        )

    def _sweep(self) -> Iterator[GaugeMetricFamily]:
        sweep = self._state.sweep
        if sweep is None:
            return
        yield _gauge(
            "sweep_age_seconds", "Time since SES was last compared.", self._age(sweep.ended_at or sweep.began_at)
        )
        yield _gauge("sweep_failed", "Whether the last comparison failed.", bool(sweep.problem))
        yield _gauge("sweep_differences", "Differences that the last comparison has found.", sweep.differences)
        yield _gauge("foreign_rules", "Rules of others that take our mail.", sweep.foreign_rules)

    def _quotas(self) -> Iterator[GaugeMetricFamily]:
        quotas = self._state.quotas
        for name, about, values in (
            ("quota_used", "How much of a quota is used.", [(it.name, it.used) for it in quotas]),
            ("quota_limit", "The quota.", [(it.name, it.limit) for it in quotas]),
            ("quota_ratio", "Used part of a quota.", [(it.name, it.used / it.limit) for it in quotas if it.limit]),
        ):
            yield _labelled(name, about, "quota", values)

    def _mail(self) -> Iterator[GaugeMetricFamily]:
        mail = self._state.mail
        if mail.last_at:
            yield _gauge("mail_last_age_seconds", "Time since the last mail arrived.", self._age(mail.last_at))
        yield _gauge("mail_in_24_hours", "Mails that have arrived in 24 hours.", mail.in_24_hours)
        yield _gauge("domains_silent", "Verified domains without mail for seven days.", mail.silent)
        yield _gauge(
            "domains_without_records", "Domains that were verified and have lost their DNS records.", mail.unreachable
        )

    def _age(self, since: datetime | None) -> float:
        return max(0.0, (self._state.at - since).total_seconds()) if since else 0.0


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"inbound_{name}", about, value=float(value))


def _labelled(name: str, about: str, label: str, samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"inbound_{name}", about, labels=[label])
    for text, value in samples:
        family.add_metric([text], float(value))
    return family
