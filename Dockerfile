# The dashboard's image: `docker build -t crossfade:0.1.0 --build-arg REVISION=$(git rev-parse HEAD) .`
# tests/deploy/test_image.py runs these very steps without a container engine.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /build
COPY requirements-build.lock requirements-serve.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock
# The environment has no pip of its own: this one fills it from outside.
RUN python -m venv --without-pip /opt/crossfade
RUN python -m pip --python /opt/crossfade/bin/python install \
    --no-cache-dir --only-binary :all: --require-hashes -r requirements-serve.lock
COPY pyproject.toml README.md LICENSE ./
COPY webapp webapp
COPY templates templates
COPY static static
COPY deploy/helloworld deploy/helloworld
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .
RUN python -m pip --python /opt/crossfade/bin/python install --no-deps --no-index dist/*.whl
# A lock file that has fallen behind pyproject.toml ends here.
RUN python -m pip --python /opt/crossfade/bin/python check

FROM python:${PYTHON}-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Crossfade" \
      org.opencontainers.image.description="A traffic-shifting dashboard for Istio" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing is ever installed into what runs.
RUN python -m pip uninstall --yes pip
COPY --from=build /opt/crossfade /opt/crossfade
ENV PATH=/opt/crossfade/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CROSSFADE_BIND=0.0.0.0:8000 \
    CROSSFADE_PROBE_BIND=0.0.0.0:8001
# By number: Kubernetes can't tell that a name is not root's.
USER 65532:65532
EXPOSE 8000 8001
ENTRYPOINT ["crossfade"]
CMD ["serve"]
