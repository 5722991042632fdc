# Two images. `run` has workers, gateway and the one-shot commands, without torch. `train` has `headrace train` and
# `headrace renew`. The tests run with the same versions and hashes.
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

FROM build AS build-train
# One lock file holds what training needs and what the tests need.
COPY requirements/dev.txt requirements/
RUN /headrace/bin/pip install --quiet --require-hashes -r requirements/dev.txt

FROM python:3.12-slim-bookworm AS base
# The volumes of docker-compose.yml take the owner of these folders.
RUN useradd --system --uid 10001 --home-dir /var/lib/headrace headrace \
    && mkdir -p /var/lib/headrace/models /var/lib/headrace/compiled /var/lib/headrace/examples \
    && chown -R headrace /var/lib/headrace
ENV PATH=/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/var/lib/headrace/compiled \
    HEADRACE_MODEL__REGISTRY=/var/lib/headrace/models
WORKDIR /var/lib/headrace
USER headrace
ENTRYPOINT ["headrace"]
CMD ["--help"]

FROM base AS train
COPY --from=build-train /headrace /headrace

FROM base AS run
COPY --from=build /headrace /headrace
