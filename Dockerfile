# lp-hedge in a container: built from this folder with the locked dependencies, run by nobody in particular, with no
# compiler, no pip and nothing to write but /data. docs/deployment.md tells how; tests/packaging reads this file line by
# line, but no image is built in CI where there is no container engine.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/lp-hedge
WORKDIR /source
# Alone, so that a change of the program does not fetch the dependencies again.
COPY requirements.lock ./
# Wheels only: there is no compiler here, and a package that wants one should say so now.
RUN /opt/lp-hedge/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md .env.example ./
COPY bot ./bot
COPY core ./core
COPY storage ./storage
COPY examples ./examples
COPY docs ./docs
RUN /opt/lp-hedge/bin/pip install --no-deps --no-build-isolation . \
 && /opt/lp-hedge/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim
RUN python -m pip uninstall --yes --root-user-action ignore wheel setuptools pip \
 && useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin lp-hedge \
 && install --directory --owner lp-hedge --group lp-hedge --mode 0700 /data
COPY --from=build /opt/lp-hedge /opt/lp-hedge
ENV PATH=/opt/lp-hedge/bin:$PATH HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LP_HEDGE_DB=/data/lp_hedge.db
USER 10001:10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s --retries=3 CMD ["lp-hedge", "health"]
ENTRYPOINT ["lp-hedge"]
CMD ["run"]
