# The program as docker-compose.yml runs it: built JavaScript, its packages in the versions of package-lock.json, and an OPA to
# try policies in before they count. Everything else runs in containers of its own.
FROM node:24.11.1-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run prepack

FROM openpolicyagent/opa:1.22.2-static AS opa

FROM node:24.11.1-bookworm-slim
# Below node_modules the program knows itself as installed, and runs what was built.
WORKDIR /opt/node_modules/holdfast
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=build /build/dist dist
COPY bin bin
COPY docs docs
COPY ops/audit ops/audit
COPY ops/iam ops/iam
COPY policies policies
COPY ARCHITECTURE.md CHANGELOG.md LICENSE holdfast.example.yaml ./
COPY --from=opa /opa /usr/local/bin/opa
RUN ln -s /opt/node_modules/holdfast/bin/holdfast.mjs /usr/local/bin/holdfast \
  && install -d -m 0700 -o 10001 -g 10001 /var/lib/holdfast /var/lib/holdfast/logs
ENV HOLDFAST_HOME=/var/lib/holdfast \
    HOLDFAST_PASSWORD_FILE=/run/secrets/holdfast-password \
    XDG_CACHE_HOME=/var/lib/holdfast/cache \
    XDG_RUNTIME_DIR=/run/holdfast \
    HOME=/var/lib/holdfast \
    NODE_ENV=production
WORKDIR /var/lib/holdfast
USER 10001:10001
ENTRYPOINT ["holdfast"]
CMD ["up", "--foreground"]
