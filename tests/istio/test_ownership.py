"""Who else manages an object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.ownership import owner_of

OWNED = [
    pytest.param(
        {"ownerReferences": [{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web"}]},
        "Flagger",
        "web",
        "100/0",
        id="flagger",
    ),
    pytest.param(
        {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"}},
        "Argo Rollouts",
        "web",
        "step",
        id="rollouts",
    ),
    pytest.param(
        {"managedFields": [{"manager": "rollouts-controller"}]},
        "Argo Rollouts",
        "",
        "step",
        id="rollouts-by-its-writes",
    ),
    pytest.param(
        {"annotations": {"argocd.argoproj.io/tracking-id": "shop:networking.istio.io/VirtualService:shop/web"}},
        "Argo CD",
        "shop",
        "self-heal",
        id="argo-cd",
    ),
    pytest.param(
        {"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD", "shop", "self-heal", id="argo-cd-by-label"
    ),
    pytest.param({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux", "apps", "reconciliation", id="flux"),
    pytest.param(
        {"managedFields": [{"manager": "kustomize-controller"}]},
        "Flux",
        "",
        "reconciliation",
        id="flux-by-its-writes",
    ),
    pytest.param({"labels": {"helm.toolkit.fluxcd.io/name": "web"}}, "Flux", "web", "drift detection", id="flux-helm"),
    pytest.param(
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}},
        "Helm",
        "web",
        "upgrade",
        id="helm",
    ),
    pytest.param(
        {
            "managedFields": [
                {"manager": "terraform", "operation": "Apply", "fieldsV1": {"f:spec": {"f:http": {}}}, "time": "T"}
            ]
        },
        "terraform",
        "",
        "--force-conflicts",
        id="another-field-manager",
    ),
]


@pytest.mark.parametrize(("metadata", "tool", "name", "word"), OWNED)
def test_owner_of(metadata: dict[str, Any], tool: str, name: str, word: str) -> None:
    owner = owner_of(builders.parsed(**metadata).metadata)
    assert owner is not None
    assert (owner.tool, owner.name) == (tool, name)
    assert word in owner.consequence


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="nothing"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Canary", "name": "web"}]}, id="another-canary"
        ),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "hand"}}, id="by-hand"),
        pytest.param({"managedFields": [{"manager": "kubectl-edit"}, {"manager": "crossfade"}]}, id="people"),
    ],
)
def test_nobody(metadata: dict[str, Any]) -> None:
    assert owner_of(builders.parsed(**metadata).metadata) is None


def test_who_writes_weights_goes_before_who_applies_files() -> None:
    reference = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web"}
    metadata = builders.parsed(ownerReferences=[reference], labels={"argocd.argoproj.io/instance": "shop"}).metadata
    owner = owner_of(metadata)
    assert owner is not None
    assert owner.tool == "Flagger"
