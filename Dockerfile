# Workers, gateway and the one-shot commands: one image, without torch. Versions and hashes are those of the tests.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /build && /build/bin/pip install --quiet --require-hashes -r requirements/build.txt \
    && python -m venv /headrace && /headrace/bin/pip install --quiet --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY streams streams
COPY model model
COPY export export
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /headrace/bin/pip install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.12-slim-bookworm
# The volumes of docker-compose.yml take the owner of these folders.
RUN useradd --system --uid 10001 --home-dir /var/lib/headrace headrace \
    && mkdir -p /var/lib/headrace/models /var/lib/headrace/compiled \
    && chown -R headrace /var/lib/headrace
COPY --from=build /headrace /headrace
ENV PATH=/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/lib/headrace/compiled \
    HEADRACE_MODEL__REGISTRY=/var/lib/headrace/models
WORKDIR /var/lib/headrace
USER headrace
ENTRYPOINT ["headrace"]
CMD ["--help"]
