# Letterlock in one image. Each container runs one part of it: prepare, web, door, worker or beat (docs/deploy.md).
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /opt/letterlock
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# From the lock, each file by its hash. One package, pure Python, is published as source only.
COPY requirements/run.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --quiet --require-hashes \
        --only-binary=:all: --no-binary=dkimpy --requirement requirements/run.txt \
    && rm -r requirements
COPY manage.py LICENSE ./
COPY branding branding
COPY locale locale
COPY portal portal
COPY static static
COPY templates templates
# The file system cannot be written when it runs: what would be made at a start is made here.
# Whoever checked the sources out may have kept them to themselves; the image runs as another user.
RUN mkdir staticfiles \
    && LETTERLOCK_DATA=/tmp/build /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /opt/venv/bin/python -m branding.catalogues locale words \
    && /opt/venv/bin/python -m compileall -q branding portal \
    && chmod -R u+rwX,go=rX /opt/letterlock

FROM ${PYTHON}
# No compiler is here, and nothing that installs: what an intruder would fetch first is not even callable.
RUN python -m pip uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel \
    && rm -r "$(python -c 'import ensurepip; print(ensurepip.__path__[0])')" \
    && groupadd --gid 10001 letterlock \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin letterlock \
    && install -d -o 10001 -g 10001 -m 0700 /data /keys /spool
# For previews (docs/previews.md): the sandbox, LibreOffice without a screen, and letters to draw with.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        bubblewrap fonts-dejavu-core fonts-liberation \
        libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt /opt
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LETTERLOCK_DATA=/data \
    LETTERLOCK_HTTP=0.0.0.0:8000 \
    LETTERLOCK_SMTP=0.0.0.0:2525
WORKDIR /opt/letterlock
USER 10001:10001
VOLUME /data
EXPOSE 8000 2525
STOPSIGNAL SIGTERM
# For a container that runs everything; compose.yaml asks only for the part that runs in each.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 CMD ["python", "-m", "portal.operations.probe"]
ENTRYPOINT ["python", "manage.py"]
CMD ["up"]
