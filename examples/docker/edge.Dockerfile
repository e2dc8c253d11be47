FROM node:22-slim
RUN npm install --global brxy && install -d -m 0700 /var/lib/brxy
ENTRYPOINT ["brxy", "edge", "-f", "/etc/brxy/brxy.yaml", "--state-dir", "/var/lib/brxy"]
