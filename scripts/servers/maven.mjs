import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needPrograms, run } from './run.mjs';

/** Copies artifacts, `group:name:version` each, and all that they need at run time into `folder`. */
export async function copyJars(artifacts, plugin, folder) {
  needPrograms('mvn', 'java');
  const work = mkdtempSync(`${folder}.work-`);
  try {
    writeFileSync(join(work, 'pom.xml'), pomOf(artifacts));
    const goal = `${plugin}:copy-dependencies`;
    const options = ['-DincludeScope=runtime', '-DoutputDirectory=jars'];
    await run('mvn', [goal, '--batch-mode', '--quiet', ...options], { cwd: work });
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'jars'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function pomOf(artifacts) {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':');
    return `    <dependency>
      <groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>
    </dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>fulcrum-trust</groupId><artifactId>servers</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}
