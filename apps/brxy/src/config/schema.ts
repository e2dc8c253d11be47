import { jsonSchema, sectionSchema } from '@brxy/options/describe'
import { APP_OPTIONS as KUBECTL_APP_OPTIONS, KUBECTL_OPTIONS } from '@brxy/scaler-kubectl'
import { APP_OPTIONS, SHELL_OPTIONS } from '@brxy/scaler-shell'
import { FILE_OPTIONS } from './tables.ts'

/** The JSON schema of brxy.yaml, for editors. */
export function configSchema(): Record<string, unknown> {
  return jsonSchema(FILE_OPTIONS, {
    id: 'https://raw.githubusercontent.com/brxy/brxy/main/apps/brxy/brxy.schema.json',
    title: 'brxy.yaml',
    description: 'What a brxy edge serves.',
    choiceSchemas: {
      'scaler.kubectl': sectionSchema(KUBECTL_APP_OPTIONS),
      'scalers.kubectl': sectionSchema(KUBECTL_OPTIONS),
      'scaler.shell': sectionSchema(APP_OPTIONS),
      'scalers.shell': sectionSchema(SHELL_OPTIONS),
    },
  })
}
