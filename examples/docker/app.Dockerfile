# The application with a linker before it. Its environment comes with each launch.
FROM node:22-slim
RUN npm install --global @brxy/linker
COPY app.mjs /app.mjs
CMD ["brxy-link", "--", "node", "/app.mjs"]
