/* The ids that projects and organizations have when nobody gave them one: made of their names. */
#include "base/uuid.h"
#include "sessionquery.h"

static void read_tenant(const char *organization, size_t length, uint8_t out[SQ_UUID_SIZE]) {
  if (!sq_uuid_read(organization, length, out)) sq_uuid_of_name(sq_uuid_of_urls, organization, length, out);
}

void sq_tenant_id(const char *organization, size_t length, char out[37]) {
  uint8_t tenant[SQ_UUID_SIZE];
  read_tenant(organization, length, tenant);
  sq_uuid_write(tenant, out);
}

void sq_project_id(const char *organization, size_t organization_length, const char *name, size_t length, char out[37]) {
  uint8_t tenant[SQ_UUID_SIZE], project[SQ_UUID_SIZE];
  read_tenant(organization, organization_length, tenant);
  sq_uuid_of_name(tenant, name, length, project);
  sq_uuid_write(project, out);
}
