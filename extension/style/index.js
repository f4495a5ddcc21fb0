import './controls.css';
import './base.css';
import './profile.css';
import './priors.css';
import './models.css';
import './workflow.css';
import './runs.css';
