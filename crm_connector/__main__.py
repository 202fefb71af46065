"""`python -m crm_connector`: the CRM without the bot."""

from crm_connector.cli import app

if __name__ == "__main__":
    app(prog_name="python -m crm_connector")
