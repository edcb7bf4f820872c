"""Who else manages an object, and what they will do about a weight that is changed here."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.errors import Owned
from webapp.istio.history import FIELD_MANAGER
from webapp.istio.objects import ObjectMeta, Section
from webapp.istio.parse_values import mapping

ROLLOUTS_ANNOTATION = "argo-rollouts.argoproj.io/managed-by-rollouts"
ARGO_CD_ANNOTATION = "argocd.argoproj.io/tracking-id"
ARGO_CD_LABEL = "argocd.argoproj.io/instance"
FLUX_KUSTOMIZE_LABEL = "kustomize.toolkit.fluxcd.io/name"
FLUX_HELM_LABEL = "helm.toolkit.fluxcd.io/name"
HELM_ANNOTATION = "meta.helm.sh/release-name"
APPLY_CONSEQUENCE = (
    "after a change here, its next apply of other weights is a conflict, or with --force-conflicts puts its own back."
)
_SECTIONS: tuple[Section, ...] = ("http", "tls", "tcp")


@dataclass(frozen=True, slots=True)
class Owner:
    """A tool that manages the object: its name, the name of its own object (may be empty), what it will do."""

    tool: str
    name: str
    consequence: str

    @property
    def tolerates_annotations(self) -> bool:
        """Whether annotations of others do no harm: Flagger takes one for a change and resets its weights.

        https://github.com/fluxcd/flagger/issues/1573
        """
        return self.tool != "Flagger"


def expect_consent(metadata: ObjectMeta, consent: str) -> Owner | None:
    """Return who manages the object, if the person has said that he knows: `consent` is the tool's name.

    :raises Owned: somebody manages it, and `consent` does not name him.
    """
    owner = owner_of(metadata)
    if owner is None or consent == owner.tool:
        return owner
    raise Owned(
        f"{owner.tool} manages this object. {owner.consequence} Nothing was written. "
        f'To write all the same, confirm it: the form field "consent" is "{owner.tool}".',
        detail={"owner": owner.tool, "name": owner.name, "consequence": owner.consequence},
    )


def owner_of(metadata: ObjectMeta) -> Owner | None:
    """Find who manages an object; those that write weights themselves come first.

    :return: None where nothing says that somebody does.
    """
    labels, annotations = metadata.labels, metadata.annotations
    managers = {each.manager for each in metadata.managed_fields}

    # https://docs.flagger.app/usage/how-it-works#canary-service
    for owner in metadata.owner_references:
        if owner.kind == "Canary" and owner.api_version.startswith("flagger.app/"):
            consequence = "Flagger sets the weights itself during a release, and back to 100/0 when it sees a change."
            return Owner("Flagger", owner.name, consequence)

    # https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio/
    if ROLLOUTS_ANNOTATION in annotations or "rollouts-controller" in managers:
        consequence = "Argo Rollouts puts the weights of its Rollout's current step back."
        return Owner("Argo Rollouts", annotations.get(ROLLOUTS_ANNOTATION, ""), consequence)

    # https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    if ARGO_CD_ANNOTATION in annotations or ARGO_CD_LABEL in labels:
        application = annotations.get(ARGO_CD_ANNOTATION, "").partition(":")[0] or labels.get(ARGO_CD_LABEL, "")
        consequence = "Argo CD puts Git's weights back at its next sync, at once where self-heal is on."
        return Owner("Argo CD", application, consequence)

    # https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
    if FLUX_KUSTOMIZE_LABEL in labels or "kustomize-controller" in managers:
        consequence = "Flux puts Git's weights back at its next reconciliation."
        return Owner("Flux", labels.get(FLUX_KUSTOMIZE_LABEL, ""), consequence)

    # https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection
    if FLUX_HELM_LABEL in labels:
        consequence = "Flux puts the chart's weights back at its next upgrade, sooner where drift detection is on."
        return Owner("Flux", labels[FLUX_HELM_LABEL], consequence)

    # https://helm.sh/docs/faq/changes_since_helm2/#improved-upgrade-strategy-3-way-strategic-merge-patches
    if HELM_ANNOTATION in annotations or labels.get("app.kubernetes.io/managed-by") == "Helm":
        consequence = "A Helm upgrade that changes the routes puts the chart's weights back."
        return Owner("Helm", annotations.get(HELM_ANNOTATION, ""), consequence)

    for manager, section in applied_sections(metadata):
        consequence = f"It owns all of spec.{section} by server-side apply: {APPLY_CONSEQUENCE}"
        return Owner(manager, "", consequence)

    return None


def applied_sections(metadata: ObjectMeta) -> tuple[tuple[str, Section], ...]:
    """Name who applies which sections of a VirtualService, each once: another than Crossfade.

    Lists of Istio's objects are atomic, so whoever applies one weight owns all of `spec.http`, or `spec.tcp`.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
    """
    found = (
        (each.manager, section)
        for each in metadata.managed_fields
        for section in _SECTIONS
        if each.operation == "Apply"
        and each.manager != FIELD_MANAGER
        and f"f:{section}" in mapping(each.fields.get("f:spec"))
    )
    return tuple(dict.fromkeys(found))
